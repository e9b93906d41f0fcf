import { expect, test } from 'vitest'
import { ask, gateway, post, service } from '../test/servers.ts'
import { key, system } from '../test/system.ts'

test('forwards a request and its answer', async () => {
  const orders = await service((_request, response) =>
    response.writeHead(201, { 'content-type': 'application/json', location: '/orders/7' }).end('{"id":7}'),
  )
  const { url } = await gateway({
    system: system({
      orders: {
        url: orders.url,
        operations: {
          placeOrder: {
            method: 'POST',
            path: '/orders',
            body: { 'application/json': { type: 'object', required: ['sku'] } },
            guarantees: { idempotency: key },
          },
        },
      },
    }),
  })
  const answer = await post(`${url}/orders`, { sku: 'chair' }, { 'idempotency-key': 'k1' })
  expect(answer.status).toBe(201)
  expect(answer.json()).toEqual({ id: 7 })
  expect(answer.headers['location']).toBe('/orders/7')
  expect(orders.seen).toHaveLength(1)
  expect(orders.seen[0]?.method).toBe('POST')
  expect(orders.seen[0]?.url).toBe('/orders')
  expect(orders.seen[0]?.headers['idempotency-key']).toBe('k1')
  expect(orders.seen[0]?.body.toString()).toBe('{"sku":"chair"}')
  const refused = await post(`${url}/orders`, { sku: 'chair' })
  expect(refused.status).toBe(400)
  expect(refused.json()['type']).toBe('https://spandrel.dev/problems/key-missing')
  expect((await ask(`${url}/nothing`)).status).toBe(404)
  expect(orders.seen).toHaveLength(1)
})
