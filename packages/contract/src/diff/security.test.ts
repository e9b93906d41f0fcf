import { expect, test } from 'vitest'
import { sideOf } from '../../test/side-of.ts'
import { diffSystems } from './diff-systems.ts'
import type { DiffFinding } from './model.ts'

/** Who has to prove what, to a server and for an operation: OpenAPI and AsyncAPI by the same ids. */

function compare(base: string, revision: string): readonly DiffFinding[] {
  return diffSystems(sideOf({ 'api.yaml': base }), sideOf({ 'api.yaml': revision })).findings
}

const told = (findings: readonly DiffFinding[]): string[] =>
  findings.map(({ level, id, message }) => `${level} ${id}: ${message}`)

const schemes = `
    scram: { type: scramSha512 }
    certificate: { type: X509 }
    login: { type: oauth2, flows: { clientCredentials: { tokenUrl: 'https://login.example.com/a' } }, scopes: [read] }`

interface Asked {
  readonly server?: string
  readonly operation?: string
  readonly schemes?: string
}

const asyncapi3 = ({ server = '', operation = '', schemes: all = schemes }: Asked) => `
asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
servers: { production: { host: broker.example.com, protocol: kafka, security: [${server}] } }
channels: { orders: { address: shop.orders, messages: { orderPlaced: { payload: { type: object } } } } }
operations: { announce: { action: send, channel: { $ref: '#/channels/orders' }, security: [${operation}] } }
components:
  securitySchemes:${all}
`
const ref = (name: string): string => `{ $ref: '#/components/securitySchemes/${name}' }`
const toServer = 'connect to kafka://broker.example.com'

test.each([
  [{}, { server: ref('scram') }, ['breaking security-added: a client needs a credential now: scram']],
  [
    { server: ref('scram') },
    {},
    [`warning security-removed: anybody may ${toServer} now; before, a client needed scram`],
  ],
  [
    { server: ref('scram') },
    { server: ref('certificate') },
    [
      `breaking security-alternative-removed: \`scram\` is no longer enough to ${toServer}`,
      `minor security-alternative-added: \`certificate\` is enough to ${toServer}, too`,
    ],
  ],
  [
    { server: ref('scram') },
    { server: `${ref('scram')}, ${ref('certificate')}` },
    [`minor security-alternative-added: \`certificate\` is enough to ${toServer}, too`],
  ],
  [
    {},
    { operation: '{ type: userPassword }' },
    ['breaking security-added: a client needs a credential now: userPassword'],
  ],
  [
    { operation: ref('scram') },
    { operation: ref('scram'), schemes: schemes.replace('scramSha512', 'scramSha256') },
    ['breaking security-scheme-changed: `scram` is scramSha256 now, and was scramSha512'],
  ],
  [
    { operation: ref('login') },
    { operation: ref('login'), schemes: schemes.replace('[read]', '[read, write]') },
    ['breaking security-scope-added: a token needs the scope `write` now'],
  ],
  [
    { operation: ref('login') },
    { operation: ref('login'), schemes: schemes.replace('example.com/a', 'example.com/b') },
    [
      'breaking security-scheme-changed: a token of `login` is no longer to be had by clientCredentials at https://login.example.com/a',
      'minor security-alternative-added: a token of `login` is to be had by clientCredentials at https://login.example.com/b, too',
    ],
  ],
  [{ operation: ref('scram') }, { operation: ref('sasl'), schemes: schemes.replace('scram:', 'sasl:') }, []],
  [{}, { schemes: `${schemes}\n    more: { type: plain }` }, []],
] as const)('AsyncAPI 3: from %o to %o', (base, revision, expected) => {
  expect(told(compare(asyncapi3(base), asyncapi3(revision)))).toEqual(expected)
})

const asyncapi2 = (server: string, operation: string) => `
asyncapi: 2.6.0
info: { title: Orders, version: 1.0.0 }
servers: { production: { url: 'broker.example.com:{port}', protocol: mqtt, security: [${server}] } }
channels:
  orders: { publish: { operationId: it, security: [${operation}], message: { name: placed, payload: { type: object } } } }
components: { securitySchemes: { key: { type: apiKey, in: user }, login: { type: oauth2, flows: {} } } }
`

test('AsyncAPI 2: requirements by name, with their scopes', () => {
  const change = (from: [string, string], to: [string, string]) => told(compare(asyncapi2(...from), asyncapi2(...to)))
  expect(change(['', ''], ['{ key: [] }', ''])).toEqual([
    'breaking security-added: a client needs a credential now: key',
  ])
  expect(change(['{ key: [] }', ''], ['{ key: [] }, {}', ''])).toEqual([
    'warning security-removed: anybody may connect to mqtt://broker.example.com:{port} now; before, a client needed key',
  ])
  expect(change(['', '{ login: [read] }'], ['', '{ login: [] }'])).toEqual([
    'minor security-scope-removed: a token no longer needs the scope `read`',
  ])
})

test('a server of AsyncAPI 2 that is gone', () => {
  const text = asyncapi2('', '')
  expect(told(compare(text, text.replace('broker.example', 'other.example')))).toEqual([
    'breaking server-removed: `mqtt://broker.example.com:{port}` is no longer a server',
    'minor server-added: `mqtt://other.example.com:{port}` is a server, too',
  ])
})

const openapi = (name: string, scheme: string) => `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
security: [{ ${name}: [] }]
paths: { /orders: { get: { operationId: list, responses: { '200': { description: All } } } } }
components: { securitySchemes: { ${name}: { ${scheme} } } }
`

test('OpenAPI: the name of a scheme is on no wire', () => {
  const [old, now] = ['type: http, scheme: bearer', 'type: http, scheme: basic']
  expect(told(compare(openapi('token', old), openapi('bearer', old)))).toEqual([])
  expect(told(compare(openapi('token', old), openapi('token', now)))).toEqual([
    'breaking security-scheme-changed: `token` is HTTP basic now, and was HTTP bearer',
  ])
  expect(told(compare(openapi('token', old), openapi('password', now)))).toEqual([
    'breaking security-alternative-removed: `token` is no longer enough to call it',
    'minor security-alternative-added: `password` is enough to call it, too',
  ])
})

test('who is at the other end of a channel may connect to the same server', () => {
  const document = (action: string, security: string) =>
    asyncapi3({ server: security }).replace('action: send', `action: ${action}`)
  const system = `
version: 1
system: shop
services:
  orders: { owner: team-orders, contracts: [orders.yaml] }
  billing: { owner: team-money, contracts: [billing.yaml] }
`
  const side = (security: string) =>
    sideOf({
      'spandrel.yaml': system,
      'orders.yaml': document('send', security),
      'billing.yaml': document('receive', ''),
    })
  const [finding] = diffSystems(side(''), side(ref('scram'))).findings
  expect(finding?.id).toBe('security-added')
  expect(finding?.consumers).toEqual([
    {
      service: 'billing',
      owner: 'team-money',
      through: 'billing.announce',
      broken: 'unknown',
      because: 'receives orders.orderPlaced, and may connect to the same server',
    },
  ])
})
