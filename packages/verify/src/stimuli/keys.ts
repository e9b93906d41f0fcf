/** Keys used in other ways than the first time. */
import { changeLeaf } from '../request/change-leaf.ts'
import { keyIsMarker } from '../request/build-request.ts'
import { isInside, placeOf } from '../request/place.ts'
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
    if (typeof operation.idempotency.scope === 'object' || operation.idempotency.scope === 'tenant') return undefined
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
