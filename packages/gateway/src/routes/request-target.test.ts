import { expect, test } from 'vitest'
import { Problem } from '../problem.ts'
import { splitTarget } from './request-target.ts'

test.each([
  ['/orders', '/orders', ''],
  ['/orders?state=open&x', '/orders', 'state=open&x'],
  ['/orders/a%20b/é'.replace('é', '%C3%A9'), '/orders/a%20b/%C3%A9', ''],
  ['/files/report.v1.pdf', '/files/report.v1.pdf', ''],
  ['/files/.well-known', '/files/.well-known', ''],
  ['/a?filter[name]={x}', '/a', 'filter[name]={x}'],
])('%s is split', (url, path, query) => {
  expect(splitTarget(url, 'refuse')).toEqual({ path, query })
})

test('the absolute form says which host is meant', () => {
  expect(splitTarget('http://shop.example:81/orders?x=1', 'refuse')).toEqual({
    path: '/orders',
    query: 'x=1',
    authority: 'shop.example:81',
  })
  expect(splitTarget('http://shop.example', 'refuse')).toEqual({ path: '/', query: '', authority: 'shop.example' })
})

test.each([
  '/orders/../admin',
  '/orders/%2e%2e/admin',
  '/orders/.%2E/admin',
  '/orders/./x',
  '/..',
  '/orders/..;a=b/admin',
  '/orders/..%2fadmin',
  '/orders\\..\\admin',
  '/orders/%5c..%5cadmin',
  '/orders/a%2fb',
  '/orders/a%00b',
  '/orders/a%0d%0ab',
  '/orders/%zz',
  '/orders/%c3%28',
  '/orders#fragment',
  '/orders?a#b',
  '*',
  'orders',
  'ftp://shop.example/orders',
])('%s is refused: a service might read it as another route', (url) => {
  expect(splitTarget(url, 'refuse')).toBeInstanceOf(Problem)
})

test('an encoded slash passes where it is allowed, an encoded dot segment never', () => {
  expect(splitTarget('/files/a%2Fb', 'forward')).toEqual({ path: '/files/a%2Fb', query: '' })
  expect(splitTarget('/files/..%2Fb', 'forward')).toBeInstanceOf(Problem)
})
