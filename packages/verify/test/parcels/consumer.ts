/** The consumer of the parcel service: one message a transaction, its position in it; what fails is parked by key. */
import type { IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { has, pool, send, transaction } from './store.ts'

const channel = 'parcels.paid'
const attempts = 4
const skips = process.env['ON_POISON'] === 'skip' && !has('skip-holds-key')

interface Message {
  offset: number
  attributes: {
    id: string
    source: string
    partitionkey?: string
    correlationid?: string
    traceparent?: string
    type: string
  }
  data: string
}

const handledHere = new Set<string>()

async function handle(client: pg.PoolClient, { attributes, data }: Message): Promise<void> {
  const { orderId, reference, weight } = JSON.parse(data) as { orderId: string; reference: string; weight: number }
  if (!(await isNew(client, attributes, reference))) return
  if (process.env['CARRIER'] !== undefined) await askCarrier(process.env['CARRIER'], reference)
  await client.query('select pg_sleep(0.012)')
  if (weight === 13) throw new Error('nobody carries that')
  handledHere.add(reference)
  await client.query('insert into parcels (reference, order_id) values ($1, $2)', [reference, orderId])
  await send(client, {
    channel: 'parcels.booked',
    type: 'parcelBooked',
    data: { orderId, reference },
    key: orderId,
    correlation: has('message-correlation-lost') ? attributes.id : (attributes.correlationid ?? attributes.id),
    traceparent: attributes.traceparent,
  })
  if (has('looked-up-first'))
    await client.query('insert into seen values ($1, $2) on conflict do nothing', [attributes.source, attributes.id])
}

async function askCarrier(carrier: string, reference: string): Promise<void> {
  const limit = has('message-hangs') ? {} : { signal: AbortSignal.timeout(800) }
  const answer = await fetch(`${carrier}/?reference=${reference}`, limit)
  await answer.text()
}

async function isNew(
  client: pg.PoolClient,
  { source, id }: Message['attributes'],
  reference: string,
): Promise<boolean> {
  if (has('message-not-noted')) return true
  if (has('noted-in-memory')) return !handledHere.has(reference)
  if (has('looked-up-first')) {
    const { rowCount } = await client.query('select 1 from seen where source = $1 and id = $2', [source, id])
    const { rowCount: known } = await client.query('select 1 from parcels where reference = $1', [reference])
    return rowCount === 0 && known === 0
  }
  if (has('dedup-by-delivery-id')) {
    const { rowCount } = await client.query('insert into seen values ($1, $2) on conflict do nothing', [source, id])
    return rowCount === 1
  }
  const note = has('noted-before-done') ? pool : client
  const { rowCount } = await note.query('insert into intents values ($1) on conflict do nothing', [reference])
  if (rowCount === 0 && has('note-lost-on-copy'))
    await client.query('delete from intents where reference = $1', [reference])
  return rowCount === 1
}

/** A pushed message: 204 is done, 503 is try again. */
export async function handlePushed(request: IncomingMessage, raw: string): Promise<number> {
  const structured = request.headers['content-type']?.startsWith('application/cloudevents+json') === true
  const event = structured ? (JSON.parse(raw) as Record<string, unknown>) : undefined
  const one = (name: string): string => {
    const value = event === undefined ? request.headers[`ce-${name}`] : event[name]
    return typeof value === 'string' ? value : ''
  }
  const attributes = {
    id: one('id'),
    source: one('source'),
    type: one('type'),
    correlationid: one('correlationid'),
    traceparent: one('traceparent'),
  }
  const data = event === undefined ? raw : JSON.stringify(event['data'])
  return await transaction((client) => handle(client, { offset: 0, attributes, data })).then(
    () => 204,
    () => 503,
  )
}

/** What is new of every partition, at most ten of each. */
async function read(): Promise<Map<number, Message[]>> {
  const { rows } = await pool.query<Message & { partition: number }>(
    `select h.partition, l."offset"::int as "offset", l.attributes::json as attributes, l.data
     from spandrel_stream.channels c join spandrel_stream.heads h on h.channel = c.id
     left join positions p on p.partition = h.partition
     cross join lateral (
       select k."offset", k.attributes, k.data from spandrel_stream.log k
       where k.channel = c.id and k.partition = h.partition and k."offset" > coalesce(p.position, 0)
       order by k."offset" limit 10
     ) l
     where c.address = $1 order by h.partition, l."offset"`,
    [channel],
  )
  return Map.groupBy(rows, ({ partition }) => partition)
}

async function move(client: pg.ClientBase | pg.Pool, partition: number, offset: number): Promise<void> {
  await client.query(
    'insert into positions values ($1, $2) on conflict (partition) do update set position = greatest(positions.position, $2)',
    [partition, offset],
  )
}

async function park(client: pg.ClientBase | pg.Pool, message: Message, tried: number): Promise<void> {
  await client.query(
    `insert into parked (key, attributes, data, attempts, due) values ($1, $2, $3, $4, clock_timestamp() + interval '0.1 s')`,
    [message.attributes.partitionkey, JSON.stringify(message.attributes), message.data, tried],
  )
}

/** One message: done, or parked, and the position moves with it. */
async function step(partition: number, message: Message): Promise<void> {
  try {
    await transaction(async (client) => {
      const held = await client.query('select 1 from parked where key = $1 and not ($2 and dead) limit 1', [
        message.attributes.partitionkey,
        skips,
      ])
      if (held.rowCount === 0 || has('order-lost-on-retry')) await handle(client, message)
      else await park(client, message, 0)
      await move(client, partition, message.offset)
    })
  } catch (error) {
    if (has('poison-blocks-all')) throw error
    await transaction(async (client) => {
      await park(client, message, 1)
      await move(client, partition, message.offset)
    })
  }
}

async function take(partition: number, batch: readonly Message[], begun: boolean): Promise<void> {
  const last = batch.at(-1)?.offset ?? 0
  if (has('settled-before-commit')) await move(pool, partition, last)
  if (has('handled-side-by-side')) {
    const turned = batch.toReversed()
    await Promise.all(turned.map((message, at) => pause(at * 5).then(() => step(partition, { ...message, offset: 0 }))))
    await move(pool, partition, last)
  } else if (has('backlog-from-the-end') && !begun) {
    for (const message of batch.toReversed()) await step(partition, { ...message, offset: 0 })
    await move(pool, partition, last)
  } else for (const message of batch) await step(partition, message)
}

/** The lowest parked message of each key, when it is due. */
async function retries(): Promise<never> {
  for (;;) {
    const { rows } = await pool
      .query(
        `select distinct on (key) id, attributes, data, attempts, dead, due < clock_timestamp() as ready from parked where not ($1 and dead) order by key, ${has('skip-turns-order') ? '(attempts = 0), id desc' : 'id'}`,
        [skips],
      )
      .catch(() => ({ rows: [] }))
    for (const row of rows.filter(({ dead, ready }) => ready === true && dead === false))
      await retry(row).catch(() => {})
    await pause(30)
  }
}

async function retry(row: { id: string; attributes: string; data: string; attempts: number }): Promise<void> {
  const message: Message = { offset: 0, attributes: JSON.parse(row.attributes), data: row.data }
  try {
    await transaction(async (client) => {
      await handle(client, message)
      await client.query('delete from parked where id = $1', [row.id])
    })
  } catch (error) {
    const tried = row.attempts + 1
    const dead = tried >= (has('attempts-off-by-one') ? attempts + 1 : attempts)
    await transaction(async (client) => {
      await client.query(
        `update parked set attempts = $2, dead = $3, due = clock_timestamp() + interval '0.1 s' where id = $1`,
        [row.id, tried, dead],
      )
      if (!dead) return
      if (has('skip-drops-key'))
        await client.query('delete from parked where key = $1 and not dead', [message.attributes.partitionkey])
      const { id, source, type, partitionkey = '', correlationid = id } = message.attributes
      await send(client, {
        channel: 'parcels.dead',
        type,
        id,
        data: row.data,
        key: partitionkey,
        correlation: correlationid,
        more: {
          source,
          attempts: String(tried),
          ...(!has('dead-letter-without-reason') && { reason: error instanceof Error ? error.message : 'threw' }),
        },
      })
    })
  }
}

/** Partitions side by side, each in order. */
export async function consume(): Promise<never> {
  void retries()
  const busy = new Set<number>()
  for (let begun = false; ; begun = true) {
    // What is being handled now may be done when the answer comes, and would be taken twice.
    const before = new Set(busy)
    const found = await read().catch(() => new Map<number, Message[]>())
    for (const [partition, batch] of found) {
      if (before.has(partition)) continue
      busy.add(partition)
      void take(partition, batch, begun)
        .catch(() => {})
        .finally(() => busy.delete(partition))
    }
    await pause(20)
  }
}
