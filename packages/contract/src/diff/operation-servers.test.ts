/** Where an operation is served: its own servers, its path item's, the document's; Swagger 2.0's host and base path. */
import { expect, test } from 'vitest'
import { sideOf } from '../../test/side-of.ts'
import { diffSystems } from './diff-systems.ts'

const there = { servers: [{ url: 'https://other.example.com/v9' }] }
const root = { servers: [{ url: 'https://api.example.com/v1/' }] }

function openapi(document: object, item: object = {}, operation: object = {}): string {
  const get = { operationId: 'listOrders', responses: { 200: { description: 'The orders' } }, ...operation }
  const info = { title: 'Orders', version: '1.0.0' }
  return JSON.stringify({ openapi: '3.1.0', info, ...document, paths: { '/orders': { ...item, get } } })
}

function swagger(members: object): string {
  const get = { operationId: 'listOrders', responses: { 200: { description: 'The orders' } } }
  const info = { title: 'Orders', version: '1.0.0' }
  const served = { host: 'api.example.com', basePath: '/v1', schemes: ['https'] }
  return JSON.stringify({ swagger: '2.0', info, ...served, ...members, paths: { '/orders': { get } } })
}

function found(before: string, after: string): readonly string[] {
  const { findings } = diffSystems(sideOf({ 'orders.json': before }), sideOf({ 'orders.json': after }))
  return findings.map(({ id, message }) => `${id}: ${message}`)
}

test.each([
  ['operation', openapi(root, {}, there)],
  ['path item', openapi(root, there)],
])('servers of the %s move it, and it is named', (_name, moved) => {
  expect(found(openapi(root), moved)).toEqual([
    'server-removed: `https://api.example.com/v1` is no longer a server of `GET /orders`',
    'server-added: `https://other.example.com/v9` is a server of `GET /orders`, too',
  ])
  expect(found(moved, openapi(root))).toHaveLength(2)
})

test('servers that say what the document says, and those of a path item said again, move nothing', () => {
  expect(found(openapi(root), openapi(root, {}, root))).toEqual([])
  expect(found(openapi(root, there), openapi(root, there, there))).toEqual([])
  // What the document says is another operation's address.
  expect(found(openapi(root, {}, there), openapi(root, there))).toEqual([])
})

test.each([
  [{ host: 'new.example.com' }, 'https://new.example.com/v1'],
  [{ basePath: '/v2' }, 'https://api.example.com/v2'],
  [{ schemes: ['http'] }, 'http://api.example.com/v1'],
])('Swagger 2.0: %j is another address', (change, url) => {
  expect(found(swagger({}), swagger(change))).toEqual([
    'server-removed: `https://api.example.com/v1` is no longer a server',
    `server-added: \`${url}\` is a server, too`,
  ])
})

test('Swagger 2.0 that became OpenAPI 3 at the same address did not move', () => {
  expect(found(swagger({}), openapi(root)).filter((one) => one.startsWith('server'))).toEqual([])
})
