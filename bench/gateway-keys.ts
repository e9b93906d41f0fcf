/**
 * What durable idempotency costs at the edge: a gateway that keeps keys (claims and outcomes of concurrent requests in
 * one statement each) against the obvious way on the same parts: one commit to claim, one to record, a request each.
 * Interleaved, on an embedded Postgres of its own that waits for the disk. Every answer is checked, and that every
 * key has its record. Quote the ratio. All of it runs in one process, so what the load costs is in both figures.
 *
 * 2026-11-23, two cores that others used too, medians of 3: 0.60 of two commits with 32 connections, 2.25 with 128.
 * The goal is 2: with few connections it is not reached.
 *
 *   node --conditions=spandrel-source bench/gateway-keys.ts [--rounds 5] [--seconds 3] [--connections 32]
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadSystem } from '@spandrel/contract'
import { createGateway, openDatabase } from '@spandrel/gateway'
import { migrateGateway } from '@spandrel/runtime/operate'
import pg from 'pg'
import { Pool } from 'undici'
import { startPostgres } from '../packages/cli/src/embedded/index.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
  },
})

const answer = '{"orderId":"o-1","state":"placed"}'
const order = '{"sku":"chair","amount":2}'
const contract = `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    post:
      operationId: placeOrder
      requestBody: { required: true, content: { application/json: { schema: { type: object } } } }
      responses: { '201': { description: placed, content: { application/json: { schema: { type: object } } } } }
      x-guarantees: { idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: P1D } }
`

async function listening(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

/** Two commits a request: the claim before it is sent, the outcome before the answer leaves. */
function naive(service: string, pool: pg.Pool): RequestListener {
  const upstream = new Pool(service, { connections: 256 })
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void (async () => {
        const key = request.headers['idempotency-key']
        const claimed = await pool.query({
          name: 'claim',
          text: "insert into naive (key, state) values ($1, 'claimed') on conflict do nothing returning 1",
          values: [key],
        })
        if (claimed.rowCount === 0) return response.writeHead(409).end()
        const forwarded = await upstream.request({
          path: request.url ?? '/',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: Buffer.concat(chunks),
        })
        const body = await forwarded.body.text()
        await pool.query({
          name: 'record',
          text: "update naive set state = 'done', status = $2, body = $3 where key = $1",
          values: [key, forwarded.statusCode, body],
        })
        return response.writeHead(forwarded.statusCode, { 'content-type': 'application/json' }).end(body)
      })().catch(() => response.destroy())
    })
  }
}

/** Answered requests a second, a fresh key each. */
async function load(port: number, seconds: number): Promise<number> {
  let answered = 0
  const end = performance.now() + seconds * 1000
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      const ask = (): unknown =>
        socket.write(
          `POST /orders HTTP/1.1\r\nhost: shop.example\r\nidempotency-key: ${randomUUID()}\r\n` +
            `content-type: application/json\r\ncontent-length: ${order.length}\r\n\r\n${order}`,
        )
      socket.setNoDelay(true).setEncoding('latin1')
      socket.on('error', reject)
      socket.on('data', (chunk: string) => {
        text += chunk
        if (!text.includes(answer)) return
        if (!text.startsWith('HTTP/1.1 201')) return reject(new Error(text.slice(0, 200)))
        text = ''
        answered++
        if (performance.now() < end) ask()
        else socket.end(() => resolve())
      })
      ask()
    })
  await Promise.all(Array.from({ length: Number(values.connections) }, one))
  return answered / seconds
}

const postgres = await startPostgres({})
const folder = await mkdtemp(join(tmpdir(), 'spandrel-bench-'))
const pool = new pg.Pool({ connectionString: postgres.url(), max: 32 })
const keys = openDatabase(postgres.url())
const service = await listening((request, response) =>
  request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end(answer)),
)
const url = `http://127.0.0.1:${service.port}`
const twoCommits = await listening(naive(url, pool))
await writeFile(join(folder, 'orders.openapi.yaml'), contract)
await writeFile(
  join(folder, 'spandrel.yaml'),
  `version: 1
system: shop
services: { orders: { owner: us, contracts: [orders.openapi.yaml], keys: gateway, url: '${url}' } }
`,
)
await migrateGateway(pool)
await pool.query('create table naive (key text primary key, state text, status int, body text)')
const { system, findings } = await loadSystem(join(folder, 'spandrel.yaml'))
if (system === undefined) throw new Error(findings.map(({ message }) => message).join('\n'))
const gateway = createGateway({ system, database: keys.database })
const { port } = await gateway.listen({ port: 0 })
try {
  const contestants = [
    { name: 'two commits', port: twoCommits.port, rates: [] as number[] },
    { name: 'gateway', port, rates: [] as number[] },
  ]
  for (const one of contestants) await load(one.port, 1)
  for (let round = 0; round < Number(values.rounds); round++)
    for (const one of contestants) one.rates.push(await load(one.port, Number(values.seconds)))
  const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
  const base = median(contestants[0]?.rates ?? [])
  for (const { name, rates } of contestants)
    console.log(`${name.padEnd(12)} ${Math.round(median(rates))} requests/s  ${(median(rates) / base).toFixed(2)}`)
  const { rows } = await pool.query("select count(*)::int as open from spandrel_gateway.keys where state <> 'done'")
  if (rows[0].open !== 0) throw new Error(`${rows[0].open} keys have no outcome`)
} finally {
  await gateway.close({ deadlineMs: 1000 })
  await keys.close()
  await pool.end()
  for (const { server } of [service, twoCommits]) {
    server.closeAllConnections()
    server.close()
  }
  await postgres.close()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
