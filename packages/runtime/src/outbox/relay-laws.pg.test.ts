/** The relay's laws, by killing and freezing real processes at named points. */
import { afterEach, describe, expect, test } from 'vitest'
import { type FaultProcess, startFaultProcess } from '../../test/fault-process.ts'
import { type Moved, sender } from '../../test/outbox-contract.ts'
import { outboxIsEmpty, outboxRig, type OutboxRig, silent, until } from '../../test/outbox-rig.ts'
import type { Delivery } from '../transport/transport.ts'
import { createRelay, type Relay } from './relay.ts'

const relays: Relay[] = []
const processes: FaultProcess[] = []
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop({ deadlineMs: 2000 })
  for (const started of processes.splice(0)) await started.end()
})

const settings = { leaseMs: 300, pollMs: 30, batchSize: 40 }
const keys = 8
const perKey = 40

async function fill(rig: OutboxRig): Promise<Set<string>> {
  const ids: string[] = []
  for (let seq = 0; seq < perKey; seq++) {
    ids.push(...(await rig.send('moved', ...Array.from({ length: keys }, (_, key) => ({ key: `k${key}`, seq })))))
  }
  return new Set(ids)
}

async function relayProcess(rig: OutboxRig, env: Record<string, string>): Promise<FaultProcess> {
  const started = await startFaultProcess('./relay-process.ts', {
    DATABASE_URL: rig.service.url,
    SPANDREL_TRANSPORT_URL: rig.stream.url,
    RELAY_OPTIONS: JSON.stringify(settings),
    ...env,
  })
  processes.push(started)
  return started
}

function healthyRelay(rig: OutboxRig): Relay {
  const relay = createRelay({
    contract: sender,
    database: rig.database,
    transport: rig.transport(),
    logger: silent,
    ...settings,
  })
  relays.push(relay)
  void relay.start()
  return relay
}

/** What deduplication by (source, id) keeps: the first of each, in the order of the partition. */
function deduplicated(arrived: readonly Delivery[]): Delivery[] {
  const seen = new Set<string>()
  return arrived.filter(({ attributes: { source, id } }) => {
    const identity = `${source} ${id}`
    if (seen.has(identity)) return false
    seen.add(identity)
    return true
  })
}

function expectOrder(arrived: readonly Delivery[]): void {
  const next = new Map<string, number>()
  for (const { data } of deduplicated(arrived)) {
    const { key, seq } = JSON.parse(data) as Moved
    expect(seq).toBe(next.get(key) ?? 0)
    next.set(key, seq + 1)
  }
}

describe('laws 1 and 2: a relay killed with SIGKILL loses nothing, and what it sends twice is the same message', () => {
  test.each([
    // Killed before it published: nothing goes twice.
    ['relay.read', false],
    // Killed between confirmation and delete: that batch goes twice.
    ['relay.published', true],
    ['relay.deleted', false],
  ])('at %s', async (point, twice) => {
    const rig = await outboxRig()
    const ids = await fill(rig)
    const killed = await relayProcess(rig, { SPANDREL_FAULTS: `${point}=kill@3` })
    expect(await killed.ended).toBe('SIGKILL')
    expect(killed.fired()).toEqual([`${killed.child.pid} ${point} kill`])
    expect(await outboxIsEmpty(rig.database.query)).toBe(false)
    healthyRelay(rig)
    await until(() => outboxIsEmpty(rig.database.query), 15_000, 'an empty outbox')
    const arrived = await rig.arrived()
    expect(new Set(arrived.map(({ attributes }) => attributes.id))).toEqual(ids)
    expect(arrived.length > ids.size).toBe(twice)
    expectOrder(arrived)
  })

  test('watched: with the mutant delete-before-confirm the same kill loses messages', async () => {
    const rig = await outboxRig()
    const ids = await fill(rig)
    const killed = await relayProcess(rig, {
      SPANDREL_FAULTS: 'relay.deleted=kill@3',
      SPANDREL_MUTANT: 'delete-before-confirm',
    })
    expect(await killed.ended).toBe('SIGKILL')
    expect(killed.fired()).toHaveLength(1)
    healthyRelay(rig)
    await until(() => outboxIsEmpty(rig.database.query), 15_000, 'an empty outbox')
    expect(deduplicated(await rig.arrived()).length).toBe(ids.size - settings.batchSize)
  })
})

describe('FM04 FM05 law 7: a relay frozen past its lease and thawed sends again, and inverts nothing', () => {
  test.each(['relay.read', 'relay.published'])('frozen at %s', async (point) => {
    const rig = await outboxRig()
    const ids = await fill(rig)
    const frozen = await relayProcess(rig, { SPANDREL_FAULTS: `${point}=stop@3` })
    await until(() => frozen.fired().length === 1, 10_000, 'the freeze')
    healthyRelay(rig)
    await until(() => outboxIsEmpty(rig.database.query), 15_000, 'an empty outbox')
    const before = (await rig.arrived()).length
    await rig.send('moved', ...Array.from({ length: keys }, (_, key) => ({ key: `k${key}`, seq: perKey })))
    frozen.thaw()
    // What it had read before the freeze goes again; then it sees that the lease is another's.
    const batch = point === 'relay.read' ? settings.batchSize : 0
    await until(
      async () => (await rig.arrived()).length >= before + keys + batch,
      15_000,
      'the thawed relay’s duplicates',
    )
    await until(() => outboxIsEmpty(rig.database.query), 15_000, 'an empty outbox')
    const arrived = await rig.arrived()
    expect(deduplicated(arrived)).toHaveLength(ids.size + keys)
    expect(arrived.length).toBeGreaterThan(ids.size + keys)
    expectOrder(arrived)
  })
})
