/** Keys used in other ways than the first time. */
import { changeLeaf } from '../request/change-leaf.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { keyIsMarker } from '../request/build-request.ts'
import { isInside, type Place, placeOf, samePlace } from '../request/place.ts'
import type { Sending } from '../run/attack.ts'
import { headerOf, type HeaderList } from '../wire/outgoing.ts'
import { keyed, type Stimulus } from './stimulus.ts'

export const mismatch: Stimulus = {
  id: 'mismatch',
  counted: true,
  alone: false,
  lasts: (_, latencyMs) => latencyMs * 1.5,
  applies(operation) {
    if (!keyed(operation) || typeof operation.idempotency === 'string') return undefined
    const { fingerprint, key } = operation.idempotency
    if (fingerprint === undefined) return true
    const marker = operation.probe.marker === undefined ? undefined : placeOf(operation.probe.marker)
    return (
      isInside(marker, placeOf(fingerprint)) ||
      `the marker is no part of the fingerprint (${JSON.stringify(key)}): nothing can be changed that counts`
    )
  },
  async run(attack) {
    for (let round = 0; round < attack.profile.rounds; round++) {
      const trial = attack.trial('mismatch', 'the same key with another body')
      await trial.send({ role: 'first' })
      if (!keyIsMarker(attack.operation)) await trial.send({ role: 'other', marker: trial.freshMarker() })
      else await trial.send({ role: 'other', input: changeLeaf(attack.operation) })
    }
  },
}

export const reformatted: Stimulus = {
  id: 'reformatted',
  alone: false,
  applies: (operation) =>
    keyed(operation) && operation.probe.example !== undefined && /json/.test(operation.contentType) ? true : undefined,
  async run(attack) {
    const trial = attack.trial('reformatted', 'the same body with other spaces and its members in another order')
    await trial.send({ role: 'first' })
    await trial.send({ role: 'copy', render: (body) => JSON.stringify(turned(body), null, 2) })
  },
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, turned(inner)]),
  )
}

export const otherOperation: Stimulus = {
  id: 'other-operation',
  alone: false,
  lasts: (_, latencyMs) => latencyMs * 2,
  applies(operation, given) {
    if (!keyed(operation) || keyIsMarker(operation)) return undefined
    return given.siblings.some(keyed) || 'there is no second operation with a key and an x-probe in this service'
  },
  async run(attack) {
    const sibling = attack.given.siblings.find(keyed)!
    const trial = attack.trial(
      'other-operation',
      `the key of one ${sibling.operation} on ${attack.operation.operation}`,
    )
    await trial.send({ role: 'other', operation: sibling, marker: trial.freshMarker() })
    await trial.send({ role: 'first' })
  },
}

export const otherCaller: Stimulus = {
  id: 'other-caller',
  alone: false,
  lasts: (_, latencyMs) => latencyMs * 2.5,
  applies(operation, given) {
    if (!keyed(operation) || typeof operation.idempotency === 'string') return undefined
    const place = scopePlace(operation)
    const [one, other] = given.callers.map((caller) => valueIn(caller, place))
    if (place !== undefined && one !== other) return 'the callers differ in what `scope.by` names: give two that do not'
    return given.callers.length > 1 || "give two callers: --caller 'X-Api-Key: a' --caller 'X-Api-Key: b'"
  },
  async run(attack) {
    const own = typeof attack.operation.idempotency === 'object' && attack.operation.idempotency.scope === 'caller'
    const trial = attack.trial('other-caller', 'the same key by another caller')
    const marker = trial.freshMarker()
    // The control: this caller may use the operation at all.
    await trial.send({ role: 'control', caller: 1, marker, key: trial.freshKey(marker) })
    await trial.send({ role: 'first' })
    await trial.send({
      role: 'other',
      caller: 1,
      marker: own && !keyIsMarker(attack.operation) ? trial.freshMarker() : trial.marker,
    })
  },
}

/** Another tenant, or another value of `scope.by`, with the key of the first. */
export const otherScope: Stimulus = {
  id: 'other-scope',
  alone: false,
  applies(operation, given) {
    if (typeof operation.idempotency === 'string') return undefined
    const { scope, key } = operation.idempotency
    if (scope === 'caller' || scope === 'global') return undefined
    if (given.tenant !== undefined) return true
    if (scope === 'tenant') return "give a caller of another tenant: --tenant 'X-Api-Key: c'"
    const place = scopePlace(operation)
    if (place === undefined)
      return "`scope.by` is nothing that can be put into a request: give a caller with another value, --tenant 'Authorization: …'"
    const marker = operation.probe.marker === undefined ? undefined : placeOf(operation.probe.marker)
    return samePlace(place, marker) || samePlace(place, placeOf(key)) ? undefined : true
  },
  lasts: (_, latencyMs) => latencyMs * 2.5,
  async run(attack) {
    const { operation, given } = attack
    const place = scopePlace(operation)
    const own = keyIsMarker(operation)
    const elsewhere: Partial<Sending> = given.tenant === undefined ? { scope: true } : { as: given.tenant }
    const name = place === undefined ? 'tenant' : 'value of `scope.by`'
    const trial = attack.trial('other-scope', `the same key with another ${name}`)
    const marker = trial.freshMarker()
    // The control: the operation takes that value, or that tenant, at all.
    await trial.send({ role: 'control', marker, key: trial.freshKey(marker), ...elsewhere })
    await trial.send({ role: 'first' })
    await trial.send({ role: 'other', marker: own ? trial.marker : trial.freshMarker(), ...elsewhere })
  },
}

function scopePlace({ idempotency }: OperationFacts): Place | undefined {
  if (typeof idempotency === 'string' || typeof idempotency.scope !== 'object') return undefined
  return placeOf(idempotency.scope.by)
}

function valueIn(caller: HeaderList, place: Place | undefined): string | undefined {
  return place?.in === 'header' ? headerOf(caller, place.name) : undefined
}

export const missingKey: Stimulus = {
  id: 'missing-key',
  alone: false,
  applies: (operation) => (keyed(operation) && !keyIsMarker(operation) ? true : undefined),
  async run(attack) {
    const trial = attack.trial('missing-key', 'the request without its key')
    await trial.send({ role: 'keyless', key: undefined })
  },
}

export const kept: Stimulus = {
  id: 'kept',
  alone: false,
  applies: (operation) => (keyed(operation) ? true : undefined),
  // Planted here; the run sends the copy when everything else is done.
  async run(attack) {
    const trial = attack.trial('kept', 'the same request at the end of the run')
    await trial.send({ role: 'first' })
    attack.afterwards(async () => {
      await trial.send({ role: 'copy' })
    })
  },
}
