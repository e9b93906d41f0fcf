/** Keys used in other ways than the first time. */
import type { JsonSchema } from '@spandrel/contract'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { buildRequest, keyIsMarker, type Wanted } from '../request/build-request.ts'
import { type ChangedBody, changedBodies } from '../request/changed-bodies.ts'
import { isInside, type Place, placeOf, samePlace } from '../request/place.ts'
import type { Sending, Trial } from '../run/attack.ts'
import { headerOf, type HeaderList } from '../wire/outgoing.ts'
import { keyed, type Stimulus } from './stimulus.ts'

export const mismatch: Stimulus = {
  id: 'mismatch',
  counted: true,
  alone: false,
  lasts: (_, latencyMs) => latencyMs * 6,
  applies(operation, { schemas }) {
    if (!keyed(operation) || typeof operation.idempotency === 'string') return undefined
    const { key } = operation.idempotency
    return (
      markerCounts(operation) ||
      changes(operation, schemas, sample).length > 0 ||
      `no part of the fingerprint can be changed (${JSON.stringify(key)}): nothing can be changed that counts`
    )
  },
  async run(attack) {
    const { operation, profile, schemas } = attack
    for (let round = 0; round < profile.rounds; round++) {
      if (markerCounts(operation)) {
        const trial = attack.trial('mismatch', 'the same key with another body')
        await trial.send({ role: 'first' })
        await trial.send({ role: 'other', marker: trial.freshMarker() })
        await trial.send({ role: 'control', ...apart(trial) })
      }
      const all = changes(operation, schemas, sample)
      if (all.length === 0) continue
      const trial = attack.trial('mismatch', 'the same key, with one value of the body changed at a time')
      const own = changes(operation, schemas, trial.wanted())
      const chosen = own
        .map((change) => ({ change, order: own.length > profile.leaves ? attack.random() : 0 }))
        .sort((a, b) => a.order - b.order)
        .slice(0, profile.leaves)
      await trial.send({ role: 'first' })
      for (let at = 0; at < chosen.length; at += 8) {
        const some = chosen.slice(at, at + 8).map(({ change }) => change)
        await trial.together(
          some.map((change) => ({ role: 'other', about: change.what, render: () => JSON.stringify(change.body) })),
        )
        // The control: the service takes that value at all.
        await trial.together(
          some.flatMap(({ what }) => {
            const { marker, key } = apart(trial)
            const same = changes(operation, schemas, trial.wanted(marker, key)).find((one) => one.what === what)
            if (same === undefined) return []
            return [{ role: 'control', about: what, marker, key, render: () => JSON.stringify(same.body) }]
          }),
        )
      }
    }
  },
}

/** A request of its own: with a key that nobody had. */
function apart(trial: Trial): { marker: string; key: string } {
  const marker = trial.freshMarker()
  return { marker, key: trial.freshKey(marker) }
}

/** As long as those of a run, for a schema may say how long they may be. */
const sample: Wanted = { marker: 'vxxxxxxxxxxxxxx-m00001x', key: 'vxxxxxxxxxxxxxx-k00002x' }

/** Is the marker part of the fingerprint, and can it be another one while the key stays? */
function markerCounts(operation: OperationFacts): boolean {
  const { idempotency, probe } = operation
  if (typeof idempotency === 'string' || keyIsMarker(operation)) return false
  if (idempotency.fingerprint === undefined) return true
  return isInside(probe.marker === undefined ? undefined : placeOf(probe.marker), placeOf(idempotency.fingerprint))
}

function changes(
  operation: OperationFacts,
  schemas: Readonly<Record<string, JsonSchema>>,
  wanted: Wanted,
): ChangedBody[] {
  const { body } = buildRequest(operation, 'http://127.0.0.1', wanted)
  if (body === undefined || !/json/.test(operation.contentType)) return []
  return changedBodies(operation, schemas, JSON.parse(body))
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
    if (given.siblings.some(keyed)) return true
    const { leftOut = [] } = given
    return leftOut.length === 0
      ? 'there is no second operation with a key and an x-probe in this service'
      : `it needs a second operation with a key, and \`--operation\` left them out: add --operation ${leftOut[0]}`
  },
  async run(attack) {
    const sibling = attack.given.siblings.find(keyed)!
    const trial = attack.trial(
      'other-operation',
      `the key of one ${sibling.operation} on ${attack.operation.operation}`,
    )
    await trial.send({ role: 'other', operation: sibling, marker: trial.freshMarker() })
    await trial.insist({ role: 'first' }, 2000)
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
    const other = own && !keyIsMarker(attack.operation) ? trial.freshMarker() : trial.marker
    // Whatever turns it away for a moment is not the key.
    await trial.insist({ role: 'other', caller: 1, marker: other }, 2000)
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
    await trial.insist({ role: 'other', marker: own ? trial.marker : trial.freshMarker(), ...elsewhere }, 2000)
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
