import { expect, test } from 'vitest'
import { sideOf } from '../../test/side-of.ts'
import type { DiffOptions, DiffResult } from './diff-systems.ts'
import { diffSystems } from './diff-systems.ts'

/** The same change on a path, where the application is called, and in a webhook, where it calls. */

const load = (text: string) => sideOf({ 'api.yaml': text })

function compare(base: string, revision: string, options?: DiffOptions): DiffResult {
  return diffSystems(load(base), load(revision), options)
}

const told = ({ findings }: DiffResult): string[] => findings.map(({ level, id }) => `${level} ${id}`)

const document = (place: 'paths' | 'webhooks', request: string, status = '204', version = '1.0.0') => `
openapi: 3.1.0
info: { title: Orders, version: ${version} }
${place}:
  ${place === 'paths' ? '/orders' : 'orderPlaced'}:
    post:
      operationId: it
      parameters: [{ name: X-Trace, in: header, required: ${request.includes('trace')}, schema: { type: string } }]
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, properties: { n: { type: integer, ${request.replace('trace', 'minimum: 0')} } } } } }
      responses: { '${status}': { description: Done } }
`

test('a narrower request breaks callers of a path, and nobody who receives a webhook', () => {
  const [base, revision] = ['maximum: 100', 'maximum: 10']
  expect(told(compare(document('paths', base), document('paths', revision)))).toEqual([
    'breaking received-schema-narrowed',
  ])
  expect(told(compare(document('webhooks', base), document('webhooks', revision)))).toEqual([
    'minor sent-schema-narrowed',
  ])
})

test('a wider request offers callers more, and breaks who receives a webhook', () => {
  const [base, revision] = ['maximum: 10', 'maximum: 100']
  expect(told(compare(document('paths', base), document('paths', revision)))).toEqual(['minor received-schema-widened'])
  expect(told(compare(document('webhooks', base), document('webhooks', revision)))).toEqual([
    'breaking sent-schema-widened',
  ])
})

test('a parameter that becomes required breaks callers; a webhook that always sends it breaks nobody', () => {
  const [base, revision] = ['minimum: 0', 'trace']
  expect(told(compare(document('paths', base), document('paths', revision)))).toEqual([
    'breaking parameter-became-required',
  ])
  expect(told(compare(document('webhooks', base), document('webhooks', revision)))).toEqual([
    'minor parameter-became-required',
  ])
  expect(told(compare(document('webhooks', revision), document('webhooks', base)))).toEqual([
    'breaking parameter-became-optional',
  ])
})

/** One schema in a request and in its answer. */
const both = (schema: string): string => `
openapi: 3.1.0
info: { title: Users, version: 1.0.0 }
paths:
  /users:
    post:
      operationId: it
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/User' } } } }
      responses: { '201': { description: Made, content: { application/json: { schema: { $ref: '#/components/schemas/User' } } } } }
components: { schemas: { User: { type: object, ${schema} } } }
`

test.each([
  [
    'a read-only member that becomes required is promised in answers and asked of nobody',
    'properties: { id: { type: string, readOnly: true } }',
    'required: [id], properties: { id: { type: string, readOnly: true } }',
    ['minor sent-schema-narrowed'],
  ],
  [
    'a write-only member that becomes required is asked of callers alone',
    'properties: { key: { type: string, writeOnly: true } }',
    'required: [key], properties: { key: { type: string, writeOnly: true } }',
    ['breaking received-schema-narrowed'],
  ],
  [
    'a member that could be set and becomes read-only',
    'properties: { id: { type: string } }',
    'properties: { id: { type: string, readOnly: true } }',
    ['breaking received-schema-narrowed'],
  ],
  [
    'a narrower read-only member breaks no caller',
    'properties: { id: { type: string, readOnly: true } }',
    'properties: { id: { type: string, maxLength: 9, readOnly: true } }',
    ['minor sent-schema-narrowed'],
  ],
  [
    'a wider write-only member breaks no reader',
    'properties: { key: { type: string, maxLength: 9, writeOnly: true } }',
    'properties: { key: { type: string, writeOnly: true } }',
    ['minor received-schema-widened'],
  ],
  [
    'a required member that becomes write-only is missing in answers',
    'required: [key], properties: { key: { type: string } }',
    'required: [key], properties: { key: { type: string, writeOnly: true } }',
    ['breaking sent-schema-widened'],
  ],
  [
    'a member that another part of the whole marks as read-only is asked of nobody',
    'allOf: [{ properties: { id: { type: string, readOnly: true } } }]',
    'allOf: [{ properties: { id: { type: string, readOnly: true } } }, { required: [id] }]',
    ['minor sent-schema-narrowed'],
  ],
  [
    'nor where the mark stands in a part of its own schema',
    'properties: { id: { allOf: [{ type: string }, { readOnly: true }] } }',
    'required: [id], properties: { id: { allOf: [{ type: string }, { readOnly: true }] } }',
    ['minor sent-schema-narrowed'],
  ],
])('%s', (_law, base, revision, expected) => {
  expect(told(compare(both(base), both(revision)))).toEqual(expected)
})

test('int64 on an integer is a warning; int32, and int64 on any number, refuse what is really sent', () => {
  const of = (schema: string): string => both(`properties: { n: { ${schema}, writeOnly: true } }`)
  const change = (from: string, to: string): string[] => told(compare(of(from), of(to)))
  expect(change('type: integer', 'type: integer, format: int64')).toEqual(['warning integer-width-stated'])
  expect(change('type: integer', 'type: integer, format: int32')).toEqual(['breaking received-schema-narrowed'])
  expect(change('type: number', 'type: number, format: int64')).toEqual(['breaking received-schema-narrowed'])
  expect(change('type: number', 'type: integer, format: int64')).toContain('breaking received-schema-narrowed')
})

test('an unknown error is one of its class to a tolerant reader, and breaks a strict one', () => {
  const both = (policy: 'tolerant' | 'strict') => {
    const text = document('paths', 'minimum: 0')
    const more = text.replace("responses: { '204'", "responses: { '429': { description: Later }, '204'")
    return told(compare(text, more, { policy }))
  }
  expect(both('tolerant')).toEqual(['minor response-error-added'])
  expect(both('strict')).toEqual(['breaking response-error-added'])
})

test.each([
  ['1.0.0', '2.0.0', true, '2.0.0'],
  ['1.4.2', '1.5.0', false, '2.0.0'],
  ['0.3.1', '0.4.0', true, '0.4.0'],
  ['0.3.1', '0.3.2', false, '0.4.0'],
  ['v1', 'v2', true, '2.0.0'],
  ['2026-01', '2026-02', undefined, undefined],
])('a breaking change from %s to %s: enough is %s', (before, after, enough, least) => {
  const base = document('paths', 'maximum: 100', '204', JSON.stringify(before))
  const revision = document('paths', 'maximum: 10', '204', JSON.stringify(after))
  const { verdict } = compare(base, revision)
  expect(verdict.needs).toBe('major')
  expect(verdict.documents[0]?.enough).toBe(enough)
  expect(verdict.documents[0]?.least).toBe(least)
})

const asText = (parameter: string, header = 'type: string') => `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    get:
      operationId: it
      parameters: [{ name: q, in: query, schema: { ${parameter} } }]
      responses: { '200': { description: All, headers: { X-Left: { required: true, schema: { ${header} } } } } }
`

test('a parameter is text on the wire: what a number was written as, any text reads; not the other way round', () => {
  const change = (from: string, to: string) => told(compare(asText(from), asText(to)))
  expect(change('type: integer', 'type: string')).toEqual(['minor received-schema-widened'])
  expect(change('type: string', 'type: integer')).toEqual(['breaking received-schema-narrowed'])
  expect(change('type: integer', "type: string, pattern: '^[a-z]$'")).toEqual(['breaking received-schema-narrowed'])
  const list = (type: string): string => `type: array, items: { type: ${type} }`
  expect(change(list('integer'), list('string'))).toEqual(['minor received-schema-widened'])
  expect(change(list('string'), list('integer'))).toEqual(['breaking received-schema-narrowed'])
})

test('a header of an answer is text, too: who read any text reads a number, and not the other way round', () => {
  const change = (from: string, to: string) => told(compare(asText('type: string', from), asText('type: string', to)))
  expect(change('type: string', 'type: integer')).toEqual(['minor sent-schema-narrowed'])
  expect(change('type: integer', 'type: string')).toEqual(['breaking sent-schema-widened'])
})

test('a parameter of an address has no name on the wire; its place has', () => {
  const channel = (address: string) => `
asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
channels:
  orders: { address: '${address}', messages: { placed: { payload: { type: object } } } }
operations:
  announce: { action: send, channel: { $ref: '#/channels/orders' } }
`
  expect(told(compare(channel('c/{id}'), channel('c/{x}')))).toEqual([])
  expect(told(compare(channel('c/{id}'), channel('{id}/c')))).toEqual(['breaking channel-address-changed'])
})

test('a limit that is itself ruled out is said so; it did not go from 0 to 0', () => {
  const said = (from: string, to: string) =>
    compare(document('paths', from), document('paths', to)).findings.map(({ message }) => message)
  expect(said('minimum: 0', 'exclusiveMinimum: 0')).toEqual(['request body: `/n`: 0 itself is ruled out now'])
  expect(said('exclusiveMinimum: 0', 'minimum: 0')).toEqual(['request body: `/n`: 0 itself is allowed now'])
})

const channels = (more: { reply?: string; cleanup?: string } = {}) => `
asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
channels:
  orders:
    address: orders
    messages: { placed: { payload: { type: object } } }
    bindings: { kafka: { topicConfiguration: { ${more.cleanup ?? ''} } } }
  replies: { address: replies, messages: { done: { payload: { type: object } } } }
operations:
  it: { action: receive, channel: { $ref: '#/channels/orders' }${more.reply ?? ''} }
`

test('a reply that is gone is one finding: what was a command by it is no other change', () => {
  const reply = ", reply: { channel: { $ref: '#/channels/replies' } }"
  expect(told(compare(channels({ reply }), channels()))).toEqual(['breaking reply-removed'])
  expect(told(compare(channels(), channels({ reply })))).toEqual(['minor reply-added'])
  const said = (intent: string, more: string): string =>
    channels({ reply: more }).replace('placed: {', `placed: { x-intent: ${intent},`)
  expect(told(compare(said('command', reply), said('document', '')))).toEqual([
    'breaking reply-removed',
    'warning message-intent-changed',
  ])
})

test.each([
  ['[delete]', '[compact]', ['breaking binding-delivery-weakened']],
  ['[delete]', '[delete, compact]', ['breaking binding-delivery-weakened']],
  ['[compact]', '[delete]', ['breaking binding-delivery-weakened']],
  ['[delete, compact]', '[compact]', ['minor binding-delivery-strengthened']],
  ['compact', "'compact,delete'", ['breaking binding-delivery-weakened']],
])('Kafka: cleanup.policy from %s to %s', (before, after, expected) => {
  const of = (policy: string) => channels({ cleanup: `cleanup.policy: ${policy}` })
  expect(told(compare(of(before), of(after)))).toEqual(expected)
  expect(told(compare(channels(), of('[compact]')))).toEqual(['breaking binding-delivery-weakened'])
})

test('a sunset of what is not deprecated is told, and counts for nothing', () => {
  const of = (more: string): string =>
    document('paths', 'minimum: 0').replace('operationId: it', `operationId: it\n      ${more}`)
  const [none, silent, loud] = [
    of('x-a: 1'),
    of("x-sunset: '2999-01-01'"),
    of("deprecated: true\n      x-sunset: '2999-01-01'"),
  ]
  expect(told(compare(none, silent))).toEqual(['warning sunset-not-announced'])
  expect(told(compare(silent, loud))).toEqual(['minor operation-deprecated'])
  expect(told(compare(loud, silent))).toEqual(['warning sunset-not-announced', 'info deprecation-withdrawn'])
  const gone = silent.replace(/paths:[^]*$/, 'paths: {}\n')
  expect(compare(silent, gone).findings[0]?.message).toContain('without `deprecated: true` was announced to nobody')
})

test('who a client of the broker calls itself is nothing that a broker does, even as a schema', () => {
  const of = (name: string): string =>
    channels().replace(
      '    bindings: { kafka: {',
      `    bindings: { kafka: { clientId: { type: string, enum: [${name}] },`,
    )
  expect(told(compare(of('a'), of('b')))).toEqual([])
})

test.each([
  [
    '3.0.0',
    "{ $ref: '#/servers/one' }",
    'address: orders, messages: { placed: {} }',
    "operations: { it: { action: receive, channel: { $ref: '#/channels/orders' } } }",
  ],
  ['2.6.0', 'one', 'publish: { operationId: it, message: { name: placed } }', ''],
])('AsyncAPI %s: a channel that is no longer on one of the servers', (version, server, content, operations) => {
  const where = version.startsWith('2') ? 'url' : 'host'
  const of = (servers: string): string => `
asyncapi: ${version}
info: { title: Orders, version: 1.0.0 }
servers: { one: { ${where}: one, protocol: kafka }, two: { ${where}: two, protocol: kafka } }
channels: { orders: { ${servers}${content} } }
${operations}
`
  const one = of(`servers: [${server}], `)
  expect(compare(of(''), one).findings.map(({ message }) => message)).toEqual([
    'the channel is no longer on the server `kafka://two`',
  ])
  expect(told(compare(one, of('')))).toEqual(['minor channel-server-added'])
})

test('a default is what is read where nothing is sent: another one is a warning, a first one a remark', () => {
  const of = (schema: string) => document('paths', schema)
  const change = (from: string, to: string) =>
    compare(of(from), of(to)).findings.map(({ level, id, message }) => `${level} ${id}: ${message}`)
  expect(change('default: 1', 'default: 2')).toEqual([
    'warning default-changed: request body: `/n`: the default is `2` now, and was `1`',
  ])
  expect(change('default: 1', 'minimum: 0, maximum: 9')).toContain(
    'warning default-changed: request body: `/n`: the default is not set now, and was `1`',
  )
  expect(change('maximum: 9', 'maximum: 9, default: 2')).toEqual([
    'info default-changed: request body: `/n`: the default is `2` now, and was not set',
  ])
  const tree = (value: number) =>
    both(
      `properties: { n: { type: integer, writeOnly: true, default: ${value} }, more: { $ref: '#/components/schemas/User' } }`,
    )
  expect(told(compare(tree(1), tree(2)))).toEqual(['warning default-changed'])
})

test('schemas that refer to each other in a circle, and then in a smaller one, are gone through to an end', () => {
  const of = (schemas: string) => `
openapi: 3.1.0
info: { title: API, version: 1.0.0 }
paths:
  /nodes:
    post:
      operationId: add
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Even' } } } }
      responses: { '204': { description: Added } }
components: { schemas: { ${schemas} } }
`
  const node = (name: string, size: number, next: string, more = '') =>
    `${name}: { type: object, properties: { size: { type: integer, default: ${size} }, next: { $ref: '#/components/schemas/${next}' }${more} } }`
  const two = of(`${node('Even', 2, 'Odd')}, ${node('Odd', 1, 'Even')}`)
  const one = of(node('Even', 2, 'Even', ', more: { type: string }'))
  const said = (base: string, revision: string) =>
    compare(base, revision)
      .findings.map(({ message }) => message)
      .slice(0, 2)
  expect(said(two, one)).toEqual([
    'request body: `/next/size`: the default is `2` now, and was `1`',
    'request body: `more` is new',
  ])
  expect(said(one, two)).toEqual([
    'request body: `/next/size`: the default is `1` now, and was `2`',
    'request body: `more` is no longer declared',
  ])
})

test('the name of a header has no case', () => {
  const of = (name: string): string =>
    document('paths', 'minimum: 0').replace(
      'operationId: it',
      `operationId: it\n      x-guarantees: { correlation: $request.header.${name}, idempotency: { key: $request.header.${name}, scope: global, retention: P1D } }`,
    )
  expect(told(compare(of('X-Trace'), of('x-trace')))).toEqual([])
  expect(told(compare(of('X-Trace'), of('X-Other')))).toEqual([
    'breaking correlation-changed',
    'breaking idempotency-key-changed',
  ])
})
