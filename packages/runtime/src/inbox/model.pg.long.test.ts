/**
 * Law 9 and law 7 against a model: whatever messages come, come again, fail, are replayed or discarded, and whenever the
 * consumer is stopped or killed in between, each message ends as exactly one of handled, held, suppressed, discarded,
 * what was handled of a key is in order, and nothing is handled twice.
 */
import fc from 'fast-check'
import type { Pool } from 'pg'
import { afterEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  type Payload,
  type Running,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
} from '../../test/consuming.ts'
import { type PgTransaction, pgDatabase } from '../database/pg.ts'
import type { OutgoingMessage } from '../message/envelope.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { conservation } from './conservation.ts'
import { external, type ReceivedMessage } from './handlers.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** What happens to a message when its handler runs. */
type Fate = 'fine' | 'fails once' | 'poison' | 'not json'

type Step =
  | { do: 'send'; keys: readonly number[]; fates: readonly Fate[] }
  | { do: 'send again'; which: number }
  | { do: 'replay' | 'discard'; which: number; heals: boolean }
  | { do: 'restart' }
  | { do: 'add a replica' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      keys: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 8 }),
      fates: fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.constant('fine' as const) },
          { weight: 1, arbitrary: fc.constantFrom('fails once' as const, 'poison' as const, 'not json' as const) },
        ),
        { minLength: 8, maxLength: 8 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('send again' as const), which: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('replay' as const, 'discard' as const),
      which: fc.nat(5),
      heals: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'add a replica' as const }) },
)

type Style = 'plain' | 'external' | 'batch'
type Received = ReceivedMessage<Payload>

class World {
  readonly sent: OutgoingMessage[] = []
  readonly fates = new Map<string, Fate>()
  readonly failedOnce = new Set<string>()
  readonly replicas: Running[] = []
  readonly discarded = new Set<string>()
  readonly #database: TestDatabase
  readonly #transport: Transport
  readonly #contract: ReturnType<typeof testContract>
  readonly #style: Style
  #number = 0

  constructor(database: TestDatabase, transport: Transport, contract: ReturnType<typeof testContract>, style: Style) {
    this.#style = style
    this.#database = database
    this.#transport = transport
    this.#contract = contract
  }

  get pool(): Pool {
    return this.#database.pool
  }

  async start(): Promise<void> {
    const running = await runConsumer(this.#database.url, this.#contract, { thing: this.#handler() })
    this.replicas.push(running)
    cleanup.add(running)
  }

  #handler(): TestHandlers[string] {
    const write = async (received: Received, { tx }: { tx: PgTransaction }): Promise<void> => {
      const { id, data, attributes } = received
      const values = ['a', id, attributes.partitionkey ?? null, data.n]
      await tx.query('insert into effects (who, message, k, n) values ($1, $2, $3, $4)', values)
      const fate = this.fates.get(id)
      if (fate === 'poison') throw new Error('poison')
      if (fate === 'fails once' && !this.failedOnce.has(id)) {
        this.failedOnce.add(id)
        throw new Error('not yet')
      }
    }
    switch (this.#style) {
      case 'plain':
        return write
      case 'external':
        return external({
          act: async ({ id }: Received) => {
            // Half of them fail here already.
            if (this.fates.get(id) === 'poison' && id.charCodeAt(1) % 2 === 0) throw new Error('poison')
          },
          handle: write as never,
        }) as unknown as TestHandlers[string]
      case 'batch':
        return {
          batch: async (messages, { tx }) => {
            for (const received of messages) await write(received, { tx })
          },
        }
    }
  }

  async run(what: Step): Promise<void> {
    switch (what.do) {
      case 'send': {
        const messages = what.keys.map((key, index) => {
          const fate = what.fates[index] ?? 'fine'
          const n = this.#number++
          const made = message(n, { key: `k${key}`, ...(fate === 'not json' && { text: '{' }) })
          this.fates.set(made.attributes.id, fate)
          return made
        })
        this.sent.push(...messages)
        return feed(this.#transport, messages)
      }
      case 'send again': {
        const again = this.sent[what.which % Math.max(1, this.sent.length)]
        return again === undefined ? undefined : feed(this.#transport, [again])
      }
      case 'replay':
      case 'discard': {
        await this.quiet()
        const dead = await rows<{ id: string; message_id: string }>(
          this.pool,
          'select id, message_id from spandrel.held where dead_at is not null order by id',
        )
        const chosen = dead[what.which % Math.max(1, dead.length)]
        if (chosen === undefined) return
        if (what.do === 'discard') this.discarded.add(chosen.message_id)
        else if (what.heals && this.fates.get(chosen.message_id) === 'poison') this.fates.set(chosen.message_id, 'fine')
        await this.pool.query(
          "update spandrel.held set request = $2, requested_by = 'model', requested_at = now() where id = $1",
          [chosen.id, what.do],
        )
        return
      }
      case 'restart':
        await this.replicas.shift()?.stop()
        return this.start()
      case 'add a replica':
        if (this.replicas.length < 3) await this.start()
    }
  }

  /** Nothing is on its way: read to the head, nothing due, nothing asked. */
  async quiet(): Promise<void> {
    await until(
      () =>
        rows<{ busy: boolean }>(
          this.pool,
          `select exists (
             select 1 from spandrel.partitions p
             join spandrel_stream.channels c on 'sink:' || c.address = p.subscription
             join spandrel_stream.heads h on h.channel = c.id and h.partition = p.partition where h.head > p.position)
           or exists (select 1 from spandrel.held_messages where state = 'retrying' or request is not null) as busy`,
        ),
      ([row]) => row?.busy === false,
    )
  }

  /** Everything that is not as the model says. */
  async judge(): Promise<string[]> {
    await this.quiet()
    const seen = await effects(this.pool)
    const handled = seen.map(({ message: id }) => id)
    const ends = await rows<{ id: string; outcome: string }>(
      this.pool,
      `select message_id as id, outcome from spandrel.inbox where subscription = 'sink:things'
       union all select message_id, state from spandrel.held_messages`,
    )
    const endOf = new Map(ends.map(({ id, outcome }) => [id, outcome]))
    const wrong = inversions(seen)
    if (new Set(handled).size < handled.length) wrong.push('something was handled twice')
    if (endOf.size < ends.length) wrong.push('something has two ends')
    if (endOf.size !== this.sent.length) wrong.push(`${this.sent.length} were sent, ${endOf.size} have an end`)
    const query = pgDatabase(this.pool).query
    const law = await conservation(query, query, { name: 'sink:things', channel: 'things' })
    if (law.lost.length + law.twice.length + law.onItsWay > 0 || law.messages !== this.sent.length)
      wrong.push(JSON.stringify(law))
    const heldKeys = new Set<string>()
    for (const { attributes } of this.sent) {
      const { id, partitionkey = '' } = attributes
      const fate = this.fates.get(id)
      const end = endOf.get(id)
      const bad = fate === 'poison' || fate === 'not json'
      const alone = this.discarded.has(id) ? 'discarded' : bad ? 'dead' : 'handled'
      const expected = heldKeys.has(partitionkey) ? 'waiting' : alone
      if (end !== expected) wrong.push(`${id} (${fate}) of ${partitionkey} is ${end}, and should be ${expected}`)
      if ((end === 'handled') !== handled.includes(id)) wrong.push(`${id} is ${end}, its effect says otherwise`)
      if (end === 'dead') heldKeys.add(partitionkey)
    }
    return wrong
  }
}

test.each(['plain', 'external', 'batch'] as const)(
  'each message has exactly one end, and each key its order (%s)',
  { timeout: 600_000 },
  async (style) => {
    const contract = testContract(
      {
        thing: {
          retry: { attempts: 2, backoff: 'fixed', delayMs: 10, maxDelayMs: 10 },
          ...(style === 'external' && { effects: style }),
        },
      },
      { partitions: 2 },
    )
    const template = await testDatabase()
    await migrateFor(template.pool, [contract])
    await template.pool.end()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const database = await testDatabase({ template, max: 3 })
        const transport = cleanup.add(await openTransport(database.url))
        const world = new World(database, transport, contract, style)
        await world.start()
        for (const one of steps) await world.run(one)
        expect(await world.judge()).toEqual([])
        await cleanup.run()
        await database.pool.end()
      }),
      { numRuns: Number(process.env['SPANDREL_RUNS'] ?? 8) },
    )
  },
)
