/**
 * A replica of the service `sink` in a process of its own, for tests that kill and freeze it.
 *
 *   SINK  JSON: { url, style: 'plain' | 'external' | 'batch', name, handlerMs, crashOn, actLog, tuning, receives }
 *
 * Every handler writes one row to `effects`; acts append a line to the file `actLog`, which is outside the database.
 */
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { PgTransaction } from '../src/database/pg.ts'
import { type ActContext, external, type ReceivedMessage, type ReceiveContext } from '../src/inbox/handlers.ts'
import type { ConsumerTuning } from '../src/inbox/options.ts'
import type { Guarantees } from '../src/contract/service-contract.ts'
import { type Payload, runConsumer, testContract, type TestHandlers, type TestTypes } from './consuming.ts'

export interface Sink {
  url: string
  style: 'plain' | 'external' | 'batch'
  name: string
  /** time a handler, or an act, takes */
  handlerMs?: number
  /** data.n of a message on which the process exits */
  crashOn?: number
  /** data.n of a message that fails once in this process */
  failOnce?: number
  /** data.n of a message that always fails */
  failOn?: number
  actLog?: string
  tuning?: Partial<ConsumerTuning>
  receives?: Partial<Guarantees>
  partitions?: number
}

const sink = JSON.parse(process.env['SINK'] ?? '{}') as Sink

type Message = ReceivedMessage<Payload>

const insert = 'insert into effects (who, message, k, n) values ($1, $2, $3, $4)'

let failed = false

async function handle(
  { id, data, attributes }: Message,
  { tx, send }: ReceiveContext<TestTypes, PgTransaction>,
): Promise<void> {
  if (data.n === sink.crashOn) process.exit(7)
  if (data.n === sink.failOn) throw new Error('poison')
  if (data.n === sink.failOnce && !failed) {
    failed = true
    throw new Error('not yet')
  }
  if (sink.style === 'plain' && sink.handlerMs !== undefined) await pause(sink.handlerMs)
  void tx.query(insert, [sink.name, id, attributes.partitionkey ?? null, data.n])
  send('echoed', { n: data.n })
}

const styles: Record<Sink['style'], TestHandlers[string]> = {
  plain: handle,
  external: external({
    async act({ data }: Message, { key }: ActContext<TestTypes>) {
      if (sink.actLog !== undefined) appendFileSync(sink.actLog, `${data.n} ${key}\n`)
      if (data.n === sink.crashOn) process.exit(7)
      if (sink.handlerMs !== undefined) await pause(sink.handlerMs)
      return data.n
    },
    handle: (message: Message, context: ReceiveContext<TestTypes, PgTransaction>) => handle(message, context),
  }) as unknown as TestHandlers[string],
  batch: {
    async batch(messages, { tx, send }) {
      await tx.query(
        'insert into effects (who, message, k, n) select $1, * from unnest($2::text[], $3::text[], $4::int[])',
        [
          sink.name,
          messages.map(({ id }) => id),
          messages.map(({ attributes }) => attributes.partitionkey ?? null),
          messages.map(({ data }) => data.n),
        ],
      )
      for (const message of messages) send(message, 'echoed', { n: message.data.n })
    },
  },
}

const contract = testContract(
  { thing: { ...sink.receives, ...(sink.style === 'external' ? { effects: 'external' as const } : {}) } },
  { partitions: sink.partitions ?? 4 },
)
const running = await runConsumer(
  sink.url,
  contract,
  { thing: styles[sink.style] },
  { name: sink.name, ...(sink.tuning && { tuning: sink.tuning }) },
)
process.stdout.write('running\n')
process.once('SIGTERM', () => {
  running.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
