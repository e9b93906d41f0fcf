/**
 * The gateway makes a server that knows no keys keep what its contract promises, and `spandrel verify` is the judge: the
 * server alone fails, behind two gateways every check passes that can be tried.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSystem } from '@spandrel/contract'
import { createGateway, type Gateway } from '@spandrel/gateway'
import { migrateGateway } from '@spandrel/runtime/operate'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testDatabase } from '../../../test/postgres.ts'
import { spandrel } from './spandrel.ts'

vi.setConfig({ testTimeout: 240_000 })

const body = `
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [reference, quantity]
              properties: { reference: { type: string }, quantity: { type: integer, minimum: 1 } }`
const problems = `
        '4XX': { description: refused, content: { application/problem+json: { schema: { type: object } } } }
        '5XX': { description: failed, content: { application/problem+json: { schema: { type: object } } } }`
const created = `{ description: placed, content: { application/json: { schema: { type: object, required: [id] } } } }`
const counted = `{ description: how many, content: { application/json: { schema: { type: object } } } }`

const contract = `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    post:
      operationId: placeOrder
      requestBody:${body}
      responses:
        '201': ${created}${problems}
    get:
      operationId: listOrders
      parameters: [{ name: reference, in: query, required: true, schema: { type: string } }]
      responses:
        '200': ${counted}
  /reservations:
    post:
      operationId: reserve
      security: [{ key: [] }]
      requestBody:${body}
      responses:
        '201': ${created}${problems}
    get:
      operationId: listReservations
      parameters: [{ name: reference, in: query, required: true, schema: { type: string } }]
      responses:
        '200': ${counted}
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Api-Key }
`

const probe = (read: string): string => `
  x-probe:
    marker: $request.body#/reference
    read: { operation: ${read}, parameters: { reference: $marker } }
    count: $response.body#/total
    settles: PT0.5S
    example: { reference: probe, quantity: 1 }`

const guarantees = `
placeOrder:
  x-guarantees:
    timeout: PT2S
    idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: P1D, onOverlap: reject }${probe('listOrders')}
reserve:
  x-guarantees:
    timeout: PT2S
    idempotency: { key: $request.header.Idempotency-Key, scope: caller, retention: P1D, onOverlap: wait }${probe('listReservations')}
`

/** Plain Node: every request has its effect, however often it comes. */
function plainServer(): ReturnType<typeof createServer> {
  const effects: Record<string, string[]> = { '/orders': [], '/reservations': [] }
  return createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://plain')
    const done = effects[pathname] ?? []
    const answer = (status: number, value: unknown): unknown =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.method === 'GET')
      return answer(200, { total: done.filter((one) => one === searchParams.get('reference')).length })
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const reference = /"reference"\s*:\s*"([^"]*)"/.exec(text)?.[1] ?? ''
      setTimeout(() => answer(201, { id: `${pathname}/${done.push(reference)}` }), 20)
    })
  })
}

let folder: string
const server = plainServer()
const gateways: Gateway[] = []
const urls: string[] = []
let plain: string

beforeAll(async () => {
  const { pool } = await testDatabase()
  await migrateGateway(pool)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  plain = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  folder = await mkdtemp(join(tmpdir(), 'spandrel-keys-'))
  const digest = (key: string): string => createHash('sha256').update(key).digest('hex')
  await writeFile(join(folder, 'orders.openapi.yaml'), contract)
  await writeFile(join(folder, 'orders.guarantees.yaml'), guarantees)
  await writeFile(join(folder, 'keys.yaml'), `ann: ${digest('key-of-ann')}\nbob: ${digest('key-of-bob')}\n`)
  await writeFile(
    join(folder, 'spandrel.yaml'),
    `version: 1
system: shop
gateway: { apiKeys: keys.yaml }
services:
  orders: { owner: team-orders, contracts: [orders.openapi.yaml], keys: gateway, url: '${plain}' }
`,
  )
  const { system, findings } = await loadSystem(join(folder, 'spandrel.yaml'))
  if (system === undefined) throw new Error(findings.map(({ message }) => message).join('\n'))
  for (let index = 0; index < 2; index++) {
    const gateway = createGateway({ system, database: pool })
    gateways.push(gateway)
    urls.push((await gateway.listen({ port: 0 })).url)
  }
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close({ deadlineMs: 1000 })))
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true, force: true })
})

interface Report {
  results: {
    ref: string
    member: string
    verdict: string
    checks: { check: string; verdict: string; notes?: string[] }[]
  }[]
}

async function verified(profile: string, at: readonly string[]): Promise<Report> {
  const { stdout, stderr } = await spandrel(
    [
      'verify',
      'orders.openapi.yaml',
      ...at.flatMap((url) => ['--url', url]),
      '--caller',
      'X-Api-Key: key-of-ann',
      '--caller',
      'X-Api-Key: key-of-bob',
      '--profile',
      profile,
      '--json',
    ],
    { cwd: folder },
  )
  expect(stdout, `it said: ${stderr}`).toMatch(/^\{/)
  return JSON.parse(stdout) as Report
}

function checksOf(report: Report): string[] {
  return report.results.flatMap(({ ref, member, checks }) =>
    checks.map(
      ({ check, verdict, notes }) =>
        `${verdict} ${ref} ${member} ${check}${verdict === 'PASS' ? '' : ` (${notes?.join('; ')})`}`,
    ),
  )
}

test('behind two gateways everything that was promised is kept', async () => {
  const checks = checksOf(await verified('default', urls))
  expect(checks.filter((line) => !line.startsWith('PASS'))).toEqual([])
  for (const needed of [
    'sequential',
    'simultaneous',
    'late-overlap',
    'mismatch',
    'client-abort',
    'instances',
    'other-caller',
  ])
    expect(
      checks.filter((line) => line.includes(` idempotency ${needed}`)).length,
      `checks: ${needed}`,
    ).toBeGreaterThan(0)
  console.log(`${checks.length} checks passed:\n${checks.join('\n')}`)
})

test('the server alone does not', async () => {
  const checks = checksOf(await verified('quick', [plain]))
  expect(checks.filter((line) => line.startsWith('FAIL')).join('\n')).toMatch(/simultaneous/)
})
