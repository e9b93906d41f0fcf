/**
 * The parcel service, plain Node on Postgres: an outbox of its own, a consumer of its own that keeps its position beside
 * its effects, failing messages parked in a table. With BUG it has one defect of bugs.ts, where `has(…)` stands. Only the
 * transport itself is of the runtime: to speak the stream's wire format.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { openTransport } from '@spandrel/runtime'
import type pg from 'pg'
import { consume, handlePushed } from './consumer.ts'
import { envelope, has, pool, send, transaction } from './store.ts'

const transport = await openTransport(process.env['DATABASE_URL'] ?? '')

/** The outbox's reader: publishes, then deletes. A death in between publishes again, with the same id. */
async function relay(): Promise<never> {
  for (;;) {
    const { rows } = await pool
      .query('select id, channel, attributes, data from outbox order by id limit 50')
      .catch(() => ({ rows: [] }))
    if (rows.length > 0) {
      await transport.publish(rows).catch(() => {})
      await pool.query('delete from outbox where id = any($1)', [rows.map(({ id }) => id)]).catch(() => {})
    } else await pause(25)
  }
}

/** Finishes what was accepted; what a dead process left is found again. */
async function fulfil(): Promise<never> {
  for (;;) {
    const { rows } = await pool
      .query("select kind, reference, correlation, broken from orders where status = 'accepted' limit 20")
      .catch(() => ({ rows: [] }))
    await Promise.all(rows.map((row) => finish(row).catch(() => {})))
    if (rows.length === 0) await pause(25)
  }
}

async function finish({
  kind,
  reference,
  correlation,
  broken,
}: {
  kind: string
  reference: string
  correlation: string
  broken: boolean
}): Promise<void> {
  const early = has('success-before-effect')
  const refused = broken && kind === 'returns'
  const effect = (client: pg.ClientBase | pg.Pool): Promise<unknown> =>
    client.query('insert into orders_done (kind, reference) values ($1, $2)', [kind, reference])
  await transaction(async (client) => {
    const { rowCount } = await client.query(
      "update orders set status = $3 where kind = $1 and reference = $2 and status = 'accepted'",
      [kind, reference, refused && !has('rejected-told-as-completed') ? 'rejected' : 'completed'],
    )
    if (rowCount === 0) return
    if (!early && !refused) await effect(client)
    if (kind !== 'orders' || has('completion-never')) return
    const told = {
      channel: 'parcels.outcomes',
      type: 'orderCompleted',
      data: { reference },
      key: reference,
      correlation: has('completion-uncorrelated') ? randomUUID() : correlation,
    }
    await send(client, told)
    if (has('completion-twice')) await send(client, told)
  })
  if (!early || refused) return
  await pause(1700)
  await effect(pool)
}

interface Answer {
  status: number
  body: unknown
  location?: string
}

let taken = 0
const running = new Map<string, Promise<Answer>>()

async function take(kind: string, request: IncomingMessage, raw: string): Promise<Answer> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') return { status: 400, body: { title: 'a key is needed' } }
  const order = parsed(raw)
  if (typeof order['reference'] !== 'string' || order['reference'].length > 60)
    return { status: 400, body: { title: 'no reference' } }
  if (typeof order['sku'] !== 'string' || order['sku'].length > 20) return { status: 400, body: { title: 'no sku' } }
  const same = JSON.stringify([order['reference'], order['sku']])
  const slot = `${kind} ${key}`
  // Copies of one process wait for one another.
  while (running.has(slot)) await running.get(slot)!.catch(() => {})
  const work = once(kind, key, same, order as { reference: string; sku: string }, {
    id: String(request.headers['correlation-id'] ?? key),
    traceparent: request.headers['traceparent'],
  })
  running.set(slot, work)
  return await work.finally(() => running.delete(slot))
}

async function once(
  kind: string,
  key: string,
  same: string,
  order: { reference: string; sku: string },
  journey: { id: string; traceparent: unknown },
): Promise<Answer> {
  const { reference, sku } = order
  const correlation = journey.id
  const placed = {
    channel: 'parcels.orders',
    type: 'orderPlaced',
    data: { reference },
    key: reference,
    correlation: has('message-correlation-lost') ? randomUUID() : correlation,
    ...(typeof journey.traceparent === 'string' && { traceparent: journey.traceparent }),
  }
  const tells = kind === 'orders'
  const known = await pool.query<{ body: string; answer: string }>(
    'select body, answer from keys where kind = $1 and key = $2',
    [kind, key],
  )
  const [row] = known.rows
  if (row !== undefined) {
    if (row.body !== same) return { status: 422, body: { title: 'this key had another body' } }
    if (tells && has('message-twice-on-replay')) await send(pool, placed)
    return JSON.parse(row.answer) as Answer
  }
  if (tells && has('message-before-commit')) await send(pool, placed)
  await pause(15)
  if (sku === 'gone') return { status: 404, body: { title: 'no such thing' } }
  const answer: Answer = { status: 202, body: { reference }, location: `/${kind}/${reference}` }
  const note = (client: pg.ClientBase | pg.Pool): Promise<unknown> =>
    client.query('insert into keys (kind, key, body, answer) values ($1, $2, $3, $4)', [
      kind,
      key,
      same,
      JSON.stringify(answer),
    ])
  await transaction(async (client) => {
    if (!has('key-after-effect')) await note(client)
    await client.query('insert into orders (kind, reference, correlation, broken) values ($1, $2, $3, $4)', [
      kind,
      reference,
      correlation,
      sku === 'broken',
    ])
    if (has('not-pushed') && ++taken % 2 === 0) return
    if (tells && !has('dual-write') && !has('message-before-commit')) await send(client, placed)
  })
  if (has('key-after-effect')) {
    await pause(300)
    await note(pool)
  }
  if (tells && has('dual-write')) {
    await pause(300)
    await transport.publish([envelope(placed)])
  }
  return answer
}

function parsed(raw: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(raw)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

async function route(request: IncomingMessage, raw: string): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://host')
  const [, kind = '', reference] = url.pathname.split('/')
  if (request.method === 'POST' && kind === 'events') return { status: await handlePushed(request, raw), body: {} }
  if (request.method === 'POST' && (kind === 'orders' || kind === 'returns')) return await take(kind, request, raw)
  if (kind === 'parcels') {
    const { rows } = await pool.query<{ reference: string }>(
      'select reference from parcels where ($1::text is null or reference = $1) and ($2::text is null or order_id = $2) order by id',
      [url.searchParams.get('reference'), url.searchParams.get('orderId')],
    )
    return { status: 200, body: { total: rows.length, references: rows.map((row) => row.reference) } }
  }
  if (reference !== undefined) {
    const { rows } = await pool.query('select status from orders where kind = $1 and reference = $2', [kind, reference])
    if (rows.length === 0) return { status: 404, body: {} }
    return { status: 200, body: { status: has('completion-never') ? 'accepted' : rows[0].status } }
  }
  if (kind !== 'orders' && kind !== 'returns') return { status: 200, body: {} }
  const { rows } = await pool.query(
    'select count(*)::int as total from orders_done where kind = $1 and reference = $2',
    [kind, url.searchParams.get('reference')],
  )
  return { status: 200, body: rows[0] }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let raw = ''
  try {
    for await (const chunk of request) raw += String(chunk)
  } catch {
    return
  }
  const { status, body, location } = await route(request, raw).catch((error: unknown): Answer => ({
    status: 500,
    body: { title: String(error) },
  }))
  if (response.destroyed) return
  const correlation = request.headers['correlation-id']
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(location !== undefined && { location }),
    ...(typeof correlation === 'string' && { 'correlation-id': correlation }),
  })
  response.end(JSON.stringify(body))
}

// Whoever started it is gone.
if (process.env['ENDS_WITH'] === 'stdin') process.stdin.resume().once('end', () => process.exit())
void relay()
void fulfil()
if (process.env['STREAM'] !== 'off') void consume()
const server = createServer((request, response) => void serve(request, response))
server.listen(Number(process.env['PORT']), '127.0.0.1')
