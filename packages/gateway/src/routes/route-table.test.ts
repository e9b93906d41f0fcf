import { expect, test } from 'vitest'
import { createGateway } from '../index.ts'
import { ask, gateway, service } from '../../test/servers.ts'
import { type OperationSketch, system } from '../../test/system.ts'

async function routed(
  operations: Record<string, OperationSketch>,
): Promise<(path: string, method?: string) => Promise<unknown>> {
  // Services that answer their own names: which route was taken is seen from outside.
  const names = Object.keys(operations)
  const services = await Promise.all(
    names.map((name) => service((_request, response) => response.writeHead(200, { 'x-route': name }).end())),
  )
  const { url } = await gateway({
    system: system(
      Object.fromEntries(
        names.map((name, index) => [
          name,
          { url: services[index]?.url ?? '', operations: { [name]: operations[name] as OperationSketch } },
        ]),
      ),
    ),
  })
  return async (path, method = 'GET') => {
    const answer = await ask(url, { path, method })
    return answer.headers['x-route'] ?? answer.status
  }
}

test('a literal segment wins over a parameter, in whatever order they are declared', async () => {
  const to = await routed({
    one: { path: '/orders/{id}' },
    mine: { path: '/orders/mine' },
    lines: { path: '/orders/{id}/lines' },
  })
  expect(await to('/orders/mine')).toBe('mine')
  expect(await to('/orders/7')).toBe('one')
  expect(await to('/orders/mine/lines')).toBe('lines')
})

test('an empty segment is no parameter, and a slash more is another path', async () => {
  const to = await routed({ one: { path: '/orders/{id}' }, all: { path: '/orders' } })
  expect(await to('/orders/')).toBe(404)
  expect(await to('/orders//')).toBe(404)
  expect(await to('/orders/7/')).toBe(404)
  expect(await to('/orders')).toBe('all')
})

test('parameters inside a segment, colons and parentheses are literal where the template has them', async () => {
  const to = await routed({
    file: { path: '/files/{name}.{kind}' },
    verb: { path: '/orders/{id}:cancel', method: 'POST' },
    odata: { path: '/Products({id})' },
    strange: { path: '/strange/{a-b.c}' },
  })
  expect(await to('/files/report.pdf')).toBe('file')
  expect(await to('/files/report')).toBe(404)
  expect(await to('/orders/7:cancel', 'POST')).toBe('verb')
  expect(await to('/orders/7', 'POST')).toBe(404)
  expect(await to('/Products(12)')).toBe('odata')
  expect(await to('/strange/x')).toBe('strange')
})

test('paths are told apart by case', async () => {
  const to = await routed({ one: { path: '/Orders' } })
  expect(await to('/Orders')).toBe('one')
  expect(await to('/orders')).toBe(404)
})

test('405 lists what the path takes', async () => {
  const orders = await service()
  const { url } = await gateway({
    system: system({
      orders: {
        url: orders.url,
        operations: {
          list: { path: '/orders' },
          place: { method: 'POST', path: '/orders' },
          put: { method: 'PUT', path: '/other' },
        },
      },
    }),
  })
  const answer = await ask(`${url}/orders`, { method: 'DELETE' })
  expect(answer.status).toBe(405)
  expect(answer.headers['allow']).toBe('GET, HEAD, POST')
  expect(answer.json()['type']).toBe('https://spandrel.dev/problems/method-not-allowed')
})

test('HEAD is answered by GET, unless the contract has a HEAD of its own', async () => {
  const to = await routed({ get: { path: '/a' }, other: { path: '/b' }, head: { method: 'HEAD', path: '/b' } })
  expect(await to('/a', 'HEAD')).toBe('get')
  expect(await to('/b', 'HEAD')).toBe('head')
  expect(await to('/b')).toBe('other')
})

test('two operations with one route are a start-up error that names both places', () => {
  const clash = system({
    orders: { url: 'http://127.0.0.1:1', operations: { getOrder: { path: '/orders/{orderId}' } } },
    archive: { url: 'http://127.0.0.1:2', operations: { oldOrder: { path: '/orders/{id}' } } },
  })
  expect(() => createGateway({ system: clash })).toThrow(
    /archive\.oldOrder and orders\.getOrder have the same route GET \/orders\/\{id\}:\n.*orders\.openapi\.yaml:\d+:1\n.*archive\.openapi\.yaml:\d+:1/,
  )
})

test('a service without a URL is a start-up error that names the variable', () => {
  const homeless = system({ orders: { operations: { list: { path: '/orders' } } } })
  expect(() => createGateway({ system: homeless })).toThrow(/does not know where orders is/)
})

test('a method that Node cannot read is told at start', () => {
  const told: unknown[] = []
  const ignore = (): void => {}
  const logger = { debug: ignore, info: ignore, error: ignore, warn: (fields: object) => void told.push(fields) }
  const odd = system({
    one: { url: 'http://127.0.0.1:1', operations: { fetch: { method: 'FETCH', path: '/a' }, get: { path: '/a' } } },
  })
  createGateway({ system: odd, logger })
  expect(told).toEqual([{ service: 'one', operation: 'fetch', method: 'FETCH' }])
})

test('what an outside company serves is not offered', async () => {
  const orders = await service()
  const { url } = await gateway({
    system: system({
      orders: { url: orders.url, operations: { list: { path: '/orders' } } },
      vendor: { url: orders.url, external: true, operations: { charge: { path: '/charges' } } },
    }),
  })
  expect((await ask(`${url}/orders`)).status).toBe(200)
  expect((await ask(`${url}/charges`)).status).toBe(404)
})

test('options that do not exist are refused with a suggestion', () => {
  const one = system({ orders: { url: 'http://127.0.0.1:1', operations: { list: { path: '/orders' } } } })
  const tell = (options: object): string => {
    try {
      createGateway({ system: one, ...options })
      return 'nothing'
    } catch (error) {
      return `${(error as Error).message} ${(error as { hint?: string }).hint}`
    }
  }
  expect(tell({ limts: {} })).toContain('did you mean "limits"?')
  expect(tell({ limits: { bodybytes: 1 } })).toContain('did you mean "bodyBytes"?')
  expect(tell({ operations: { 'orders.lits': {} } })).toContain('did you mean "orders.list"?')
  expect(tell({ upstreams: { order: 'http://x' } })).toContain('did you mean "orders"?')
  expect(tell({ limits: { bodyBytes: 0 } })).toContain('must be above 0')
  expect(tell({ upstreams: { orders: 'localhost' } })).toContain('is not a base URL')
})
