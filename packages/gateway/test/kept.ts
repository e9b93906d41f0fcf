/** A plain service that counts its effects and knows no keys, behind gateways that keep them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KeyGuarantee } from '@spandrel/contract'
import { migrateGateway } from '@spandrel/runtime/operate'
import type pg from 'pg'
import { beforeAll } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/postgres.ts'
import type { GatewayOptions } from '../src/index.ts'
import { type Answer, gateway, post, type Seen, service, type TestGateway, type TestService } from './servers.ts'
import { key, type OperationSketch, system } from './system.ts'

export interface KeyRow {
  operation: string
  scope: string
  key: string
  state: string
  outcome: string | null
  status: number | null
  epoch: string
  correlationid: string
}

/** The database of the key records of a test file. */
export function keysDatabase(): {
  readonly pool: pg.Pool
  rows(key?: string): Promise<KeyRow[]>
  database(): TestDatabase
} {
  let made: TestDatabase
  beforeAll(async () => {
    made = await testDatabase()
    await migrateGateway(made.pool)
  })
  return {
    get pool() {
      return made.pool
    },
    database: () => made,
    async rows(only) {
      const where = only === undefined ? '' : 'where key = $1'
      const values = only === undefined ? [] : [only]
      return (await made.pool.query<KeyRow>(`select * from spandrel_gateway.keys ${where} order by key`, values)).rows
    },
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse, seen: Seen) => unknown

/** Answers 201 with the number of the effect. */
export function counting(): Handler {
  let orders = 0
  return (_request, response) =>
    response
      .writeHead(201, { 'content-type': 'application/json', location: `/orders/${++orders}` })
      .end(`{"id":${orders}}`)
}

export interface Kept {
  orders: TestService
  gateways: TestGateway[]
  /** of the first gateway */
  url: string
}

export async function kept(
  options: {
    guarantee?: Partial<KeyGuarantee>
    operation?: Partial<OperationSketch>
    timeoutMs?: number
    gateways?: number
    handler?: Handler
    more?: Partial<GatewayOptions>
    url?: string
  },
  database: GatewayOptions['database'],
): Promise<Kept> {
  const orders = await service(options.handler ?? counting())
  const shop = system({
    orders: {
      url: options.url ?? orders.url,
      keys: 'gateway',
      operations: {
        placeOrder: {
          method: 'POST',
          path: '/orders',
          body: { 'application/json': { type: 'object' }, 'text/plain': undefined },
          answers: { '201': { headers: { Location: { type: 'string' } } }, '4XX': {}, '5XX': {} },
          ...options.operation,
          guarantees: {
            idempotency: { ...key, ...options.guarantee },
            ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
            ...options.operation?.guarantees,
          },
        },
        listOrders: { path: '/orders' },
      },
    },
  })
  const gateways = await Promise.all(
    Array.from({ length: options.gateways ?? 1 }, () =>
      gateway({ system: shop, ...(database !== undefined && { database }), ...options.more }),
    ),
  )
  return { orders, gateways, url: `${gateways[0]?.url}/orders` }
}

export function order(
  url: string,
  name: string,
  body: unknown = { sku: 'chair' },
  headers: object = {},
): Promise<Answer> {
  return post(url, body, { 'idempotency-key': name, ...headers })
}
