import { expect, test } from 'vitest'
import { createGateway } from '../index.ts'
import { type Answer, ask, gateway, post, service, type TestService } from '../../test/servers.ts'
import { type ServiceSketch, system } from '../../test/system.ts'

const order = (member: string): ServiceSketch['operations'] => ({
  place: {
    method: 'POST',
    path: '/orders',
    body: { 'application/json': { type: 'object', required: [member], properties: { [member]: {} } } },
  },
  get: { path: '/orders/{id}', parameters: [{ name: 'id', in: 'path' }] },
})

/** Two versions of one contract, each at a server of its own. */
async function versions(
  one: Partial<ServiceSketch>,
  two: Partial<ServiceSketch>,
  path = '',
): Promise<{ url: string; first: TestService; second: TestService }> {
  const answer = (name: string) => async () =>
    service((request, response) => {
      const location = `${request.url?.split('?')[0]}/7`
      response.writeHead(200, { 'x-version': name, location, vary: 'accept' }).end('{}')
    })
  const [first, second] = await Promise.all([answer('1')(), answer('2')()])
  const { url } = await gateway({
    system: system({
      'orders-v1': { url: first.url + path, operations: order('sku'), ...one },
      'orders-v2': { url: second.url, operations: order('items'), ...two },
    }),
  })
  return { url, first, second }
}

const asked = ({ status, headers }: Answer): unknown => (status === 200 ? headers['x-version'] : status)

test('a path of its own: each version has its own checks and its own service, which does not know of it', async () => {
  const { url, first, second } = await versions({ gateway: { path: '/v1' } }, { gateway: { path: '/v2' } })
  expect(asked(await post(`${url}/v1/orders?a=b`, { sku: 1 }))).toBe('1')
  expect(asked(await post(`${url}/v2/orders`, { items: [] }))).toBe('2')
  expect((await post(`${url}/v2/orders`, { sku: 1 })).json()['errors']).toEqual([
    { in: 'body', pointer: '', detail: 'lacks "items"' },
  ])
  expect(asked(await ask(`${url}/v1/orders/a%20b`))).toBe('1')
  expect([...first.seen, ...second.seen].map((seen) => `${seen.method} ${seen.url}`)).toEqual([
    'POST /orders?a=b',
    'GET /orders/a%20b',
    'POST /orders',
  ])
  for (const path of ['/orders', '/v1', '/v1/', '/v3/orders']) expect(asked(await ask(`${url}${path}`))).toBe(404)
  expect(asked(await ask(`${url}/v1/orders`, { method: 'PUT' }))).toBe(405)
})

test('a location of a service is one of the gateway', async () => {
  const { url } = await versions({ gateway: { path: '/v1' } }, { gateway: { path: '/v2' } }, '/inner/api')
  expect((await post(`${url}/v1/orders`, { sku: 1 })).headers['location']).toBe('/v1/orders/7')
  expect((await post(`${url}/v2/orders`, { items: 1 })).headers['location']).toBe('/v2/orders/7')
})

test('the old version says since when it is deprecated, and when it goes', async () => {
  const { url } = await versions(
    { gateway: { path: '/v1', deprecated: '2026-06-01', sunset: '2027-06-01T12:00:00Z' } },
    { gateway: { path: '/v2' } },
  )
  expect((await ask(`${url}/v1/orders/7`)).headers).toMatchObject({
    deprecation: '@1780272000',
    sunset: 'Tue, 01 Jun 2027 12:00:00 GMT',
  })
  const { headers } = await ask(`${url}/v2/orders/7`)
  expect([headers['deprecation'], headers['sunset']]).toEqual([undefined, undefined])
})

test('`servers`: under each path that the document names, and the operation before it', async () => {
  const { url } = await versions(
    { gateway: { path: 'servers' }, servers: ['https://{region}.example.com/v1/', '/api/v1', 'http://other/v1?x'] },
    {
      gateway: { path: 'servers' },
      servers: ['https://example.com/v2'],
      operations: { ...order('items'), files: { path: '/files', servers: ['https://files.example.com/store/v2'] } },
    },
  )
  expect(asked(await ask(`${url}/v1/orders/7`))).toBe('1')
  expect(asked(await ask(`${url}/api/v1/orders/7`))).toBe('1')
  expect(asked(await ask(`${url}/v2/orders/7`))).toBe('2')
  expect(asked(await ask(`${url}/store/v2/files`))).toBe('2')
  expect(asked(await ask(`${url}/v2/files`))).toBe(404)
})

test('a header: the version that it names, the default without it, and none for another', async () => {
  const header = 'Accept-Version'
  const { url, first, second } = await versions(
    { gateway: { version: { header, value: '1', default: true } } },
    { gateway: { version: { header, value: '2', default: false } } },
  )
  const to = (...values: string[]): Promise<Answer> =>
    ask(`${url}/orders/7`, { headers: values.flatMap((value) => ['accept-version', value]).concat('host', 'x') })
  expect(asked(await to())).toBe('1')
  expect(asked(await to('1'))).toBe('1')
  expect(asked(await to('2'))).toBe('2')
  expect((await to('2')).headers['vary']).toBe('accept, Accept-Version')
  expect(asked(await ask(`${url}/orders/7`, { method: 'HEAD', headers: { 'accept-version': '2' } }))).toBe('2')
  const before = first.seen.length + second.seen.length
  for (const values of [['3'], [''], ['1', '2']]) {
    expect((await to(...values)).json()).toMatchObject({
      type: 'https://spandrel.dev/problems/version-unknown',
      status: 400,
      detail: 'Say in the header Accept-Version which: 1, 2.',
    })
  }
  expect(first.seen.length + second.seen.length).toBe(before)
  expect(asked(await ask(`${url}/orders/7`, { method: 'PUT' }))).toBe(405)
})

test('versions that cannot be told apart are an error at start: both places, and what to write', () => {
  const tell = (one: Partial<ServiceSketch>, two: Partial<ServiceSketch>): string => {
    const at = { url: 'http://127.0.0.1:1', operations: { get: { path: '/orders' } } }
    try {
      createGateway({ system: system({ one: { ...at, ...one }, two: { ...at, ...two } }) })
      return 'nothing'
    } catch (error) {
      return `${(error as Error).message}\n${(error as { hint?: string }).hint}`
    }
  }
  const version = (header: string, value: string, standard = false): Partial<ServiceSketch> => ({
    gateway: { version: { header, value, default: standard } },
  })
  expect(tell({}, { servers: ['https://example.com/v2'] })).toMatch(
    /^two\.get and one\.get have the same route GET \/orders:\n {2}\S+one\.openapi\.yaml:\d+:1\n {2}\S+two\.openapi\.yaml:\d+:1\n.*services\.two: \{ gateway: \{ path: \/v2 \} \}/,
  )
  expect(tell(version('V', '1'), {})).toContain('services.two: { gateway: { path: /two } }')
  expect(tell(version('V', '1'), version('v', '1'))).toMatch(/are both version 1:\n.*one.*\n.*two.*\ncorrect gateway/)
  expect(tell(version('V', '1', true), version('V', '2', true))).toContain('and are both the default:')
  expect(tell(version('V', '1'), version('W', '2'))).toContain('are told apart by two headers, V and W:')
  expect(tell(version('V', '1'), version('V', '2'))).toBe('nothing')
  expect(tell({ gateway: { path: '/v1' } }, { gateway: { path: '/v1' } })).toContain('the same route GET /v1/orders')
  expect(tell({ gateway: { path: '/v1' } }, {})).toBe('nothing')
  expect(tell({ gateway: { path: 'servers' }, servers: ['https://example.com/{base}'] }, {})).toMatch(
    /the path of the server https:\/\/example\.com\/\{base\} of one has a variable\n.*write the path itself/s,
  )
})
