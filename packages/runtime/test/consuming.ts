/** What consumer tests share: a contract, a database with stream and service schema, a feeder, and effects to count. */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type {
  ChannelContract,
  ContractTypes,
  Guarantees,
  ReceiveContract,
  SendContract,
  ServiceContract,
  Validator,
} from '../src/contract/service-contract.ts'
import { type PgTransaction, pgDatabase } from '../src/database/pg.ts'
import { createConsumer } from '../src/inbox/consumer.ts'
import type { ReceiveHandlers } from '../src/inbox/handlers.ts'
import type { ConsumerOptions, ConsumerTuning } from '../src/inbox/options.ts'
import { migrateService, migrateStream } from '../src/schema/migrate.ts'
import { registrationOf } from '../src/schema/registration.ts'
import type { Logger, Loop } from '../src/service/loop.ts'
import { openTransport } from '../src/transport/open.ts'
import type { OutgoingMessage } from '../src/message/envelope.ts'
import type { Transport } from '../src/transport/transport.ts'

/** Data of every message of these tests. */
export interface Payload {
  n: number
  key?: string
}

export interface TestTypes extends ContractTypes {
  operations: Record<string, never>
  sends: { echoed: { n: number } }
  receives: Record<string, { data: Payload; type: string }>
  uses: Record<string, never>
}

export type TestHandlers = ReceiveHandlers<TestTypes, PgTransaction>

const isPayload: Validator = (data) =>
  typeof data === 'object' && data !== null && typeof (data as Payload).n === 'number'

export const quickRetry = { attempts: 3, backoff: 'fixed', delayMs: 20, maxDelayMs: 20 } as const

export function guarantees(given: Partial<Guarantees> = {}): Guarantees {
  return {
    idempotency: 'natural',
    delivery: 'at-least-once',
    ordering: 'none',
    retry: quickRetry,
    deadLetter: { retentionMs: 3_600_000, replay: 'manual', onPoison: 'hold-key' },
    ...given,
  }
}

/** A service that receives each of `types` by an operation of the same name, all from the channel `things`. */
export function testContract(
  receives: Record<string, Partial<Guarantees> & { channel?: string; effects?: 'external' }> = { thing: {} },
  options: { partitions?: number; service?: string; channel?: Partial<ChannelContract> } = {},
): ServiceContract<TestTypes> {
  const { partitions = 4, service = 'sink' } = options
  const channels: Record<string, ChannelContract> = {
    echoes: { address: 'echoes', ordered: true, partitions },
  }
  const contracts: Record<string, ReceiveContract> = {}
  for (const [operation, { channel = 'things', effects = 'transaction', ...given }] of Object.entries(receives)) {
    channels[channel] = { address: channel, ordered: true, partitions, ...options.channel }
    contracts[operation] = {
      operation,
      channel,
      messages: { [operation]: isPayload },
      effects,
      guarantees: guarantees(given),
    }
  }
  const echoed: SendContract = {
    message: 'echoed',
    operation: 'sendEchoed',
    channel: 'echoes',
    type: 'echoed',
    intent: 'event',
    validate: isPayload,
    guarantees: guarantees({ ordering: { by: { source: 'message.payload', pointer: ['n'] } } }),
  }
  return {
    system: 'test',
    service,
    source: `/test/${service}`,
    version: '1.0.0',
    operations: {},
    channels,
    sends: { echoed },
    receives: contracts,
    uses: {},
  }
}

/** Applies both schemas, and a table where every handler's effect is one row. */
export async function migrateFor(pool: pg.Pool, contracts: readonly ServiceContract<TestTypes>[]): Promise<void> {
  for (const contract of contracts) {
    const registration = registrationOf(contract as unknown as ServiceContract)
    await migrateService(pool, registration)
    await migrateStream(pool, registration)
  }
  await pool.query(`
    create table if not exists effects (
      id bigint generated always as identity, at timestamptz default clock_timestamp(), who text, message text, k text, n int)`)
}

let made = 0

export function message(
  n: number,
  more: {
    key?: string
    id?: string
    type?: string
    data?: unknown
    text?: string
    channel?: string
    correlationid?: string
    source?: string
  } = {},
): OutgoingMessage {
  const { key } = more
  return {
    channel: more.channel ?? 'things',
    attributes: {
      specversion: '1.0',
      id: more.id ?? `m${n}-${process.pid}-${++made}`,
      source: more.source ?? '/test/feeder',
      type: more.type ?? 'thing',
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      correlationid: more.correlationid ?? `c${n}`,
      ...(key !== undefined && { partitionkey: key }),
    },
    data: more.text ?? JSON.stringify(more.data ?? { n, ...(key !== undefined && { key }) }),
  }
}

export async function feed(transport: Transport, messages: readonly OutgoingMessage[]): Promise<void> {
  for (let i = 0; i < messages.length; i += 500) {
    const results = await transport.publish(messages.slice(i, i + 500))
    const refused = results.find(({ ok }) => !ok)
    if (refused !== undefined) throw new Error(JSON.stringify(refused))
  }
}

export const quick: Partial<ConsumerTuning> = {
  pollMs: 25,
  renewMs: 100,
  leaseMs: 1000,
  backoffMs: 10,
  maxBackoffMs: 200,
  probeMs: 50,
  maxProbeMs: 400,
}

export function quietLogger(lines: string[] = []): Logger {
  const line = (level: string) => (fields: object, text: string) => {
    lines.push(`${level} ${text}`)
    if (process.env['SPANDREL_TEST_LOG'] !== undefined) console.error(level, text, fields)
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

export interface Running {
  consumer: Loop
  pool: pg.Pool
  transport: Transport
  log: string[]
  stop(deadlineMs?: number): Promise<void>
}

/** A consumer with its own pool and its own connection to the stream, as another process would have. */
export async function runConsumer(
  url: string,
  contract: ServiceContract<TestTypes>,
  handlers: TestHandlers,
  options: Partial<ConsumerOptions<TestTypes, PgTransaction>> & { max?: number; name?: string } = {},
): Promise<Running> {
  const { max = 10, name = 'consumer', tuning, ...rest } = options
  const pool = new pg.Pool({ connectionString: url, max, pipeline: true, application_name: name })
  pool.on('error', () => {})
  const transport = await openTransport(url)
  const log: string[] = []
  const consumer = createConsumer({
    contract,
    database: pgDatabase(pool),
    transport,
    handlers,
    logger: quietLogger(log),
    tuning: { ...quick, ...tuning },
    ...rest,
  })
  await consumer.start()
  let stopped = false
  return {
    consumer,
    pool,
    transport,
    log,
    async stop(deadlineMs = 5000) {
      if (stopped) return
      stopped = true
      await consumer.stop({ deadlineMs })
      await transport.close()
      await pool.end()
    },
  }
}

/** Waits for a condition; the error says what was seen last. */
export async function until<T>(look: () => Promise<T> | T, isIt: (seen: T) => boolean, limitMs = 15_000): Promise<T> {
  const end = performance.now() + limitMs
  for (;;) {
    const seen = await look()
    if (isIt(seen)) return seen
    if (performance.now() > end)
      throw new Error(`not within ${limitMs} ms; seen last: ${JSON.stringify(seen)?.slice(0, 2000)}`)
    await pause(10)
  }
}

export interface Effect {
  who: string
  message: string
  k: string | null
  n: number
}

export async function effects(pool: pg.Pool): Promise<Effect[]> {
  const { rows } = await pool.query<Effect>('select who, message, k, n from effects order by id')
  return rows
}

export async function effectCount(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from effects')
  return rows[0]?.n ?? 0
}

/** Handler that writes one effect; awaits nothing it need not. */
export function writesEffect(who: string): TestHandlers[string] {
  return async ({ id, data, attributes }, { tx }) => {
    await tx.query('insert into effects (who, message, k, n) values ($1, $2, $3, $4)', [
      who,
      id,
      attributes.partitionkey ?? null,
      data.n,
    ])
  }
}

/** Pairs of one key that were handled in another order than fed. */
export function inversions(seen: readonly Effect[]): string[] {
  const last = new Map<string, number>()
  const wrong: string[] = []
  for (const { k, n, who } of seen) {
    const lane = `${who} ${k}`
    const before = last.get(lane)
    if (before !== undefined && before > n) wrong.push(`${lane}: ${before} before ${n}`)
    last.set(lane, n)
  }
  return wrong
}

export async function rows<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return (await pool.query<Row>(text, values)).rows
}

/** Reads a stream's partition of its own choosing: everything that keeps a test from ending is closed by it. */
export class Cleanup {
  readonly #tasks: (() => Promise<unknown>)[] = []

  add<T extends { stop(): Promise<unknown> } | { close(): Promise<unknown> }>(thing: T): T {
    this.#tasks.push(() => ('stop' in thing ? thing.stop() : thing.close()))
    return thing
  }

  async run(): Promise<void> {
    for (const task of this.#tasks.splice(0).toReversed()) await task()
  }
}
