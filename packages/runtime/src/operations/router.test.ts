import { expect, test } from 'vitest'
import { bookingOperation } from '../../test/bookings-contract.ts'
import type { OperationContract } from '../contract/service-contract.ts'
import { createRouter } from './router.ts'

const at = (method: string, path: string): OperationContract => ({
  ...bookingOperation(`${method} ${path}`, path, {}),
  method,
})
const router = createRouter([
  at('get', '/orders'),
  at('post', '/orders'),
  at('get', '/orders/{orderId}'),
  at('get', '/orders/mine'),
  at('delete', '/orders/{orderId}'),
  at('get', '/orders/{orderId}/lines/{line}.json'),
  at('get', '/a+b/(c)'),
])
const found = (method: string, path: string) => {
  const { found } = router.route(method, path)
  return found === undefined ? undefined : [found.operation.operation, found.params]
}

test('literal segments win over parameters', () => {
  expect(found('GET', '/orders/mine')).toEqual(['get /orders/mine', {}])
  expect(found('GET', '/orders/17')).toEqual(['get /orders/{orderId}', { orderId: '17' }])
  expect(found('DELETE', '/orders/mine')).toEqual(['delete /orders/{orderId}', { orderId: 'mine' }])
})

test('parameters are decoded, stand inside segments, and never cross them', () => {
  expect(found('GET', '/orders/a%2Fb%20c')).toEqual(['get /orders/{orderId}', { orderId: 'a/b c' }])
  expect(found('GET', '/orders/1/lines/2.json')).toEqual([
    'get /orders/{orderId}/lines/{line}.json',
    { orderId: '1', line: '2' },
  ])
  expect(found('GET', '/orders/1/2')).toBeUndefined()
  expect(found('GET', '/orders/')).toBeUndefined()
  expect(found('GET', '/orders/%E0%A4%A')).toBeUndefined()
})

test('a template is no regular expression', () => {
  expect(found('GET', '/a+b/(c)')).toEqual(['get /a+b/(c)', {}])
  expect(found('GET', '/aab/c')).toBeUndefined()
})

test('a path without the method says which it has; HEAD is answered by GET', () => {
  expect(router.route('PUT', '/orders')).toEqual({ found: undefined, allow: ['GET', 'HEAD', 'OPTIONS', 'POST'] })
  expect(router.route('PUT', '/orders/mine')).toEqual({ found: undefined, allow: ['DELETE', 'GET', 'HEAD', 'OPTIONS'] })
  expect(router.route('PUT', '/nothing')).toEqual({ found: undefined, allow: [] })
  expect(found('HEAD', '/orders')).toEqual(['get /orders', {}])
})
