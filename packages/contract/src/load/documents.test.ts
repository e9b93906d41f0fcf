import { describe, expect, test } from 'vitest'
import { Road } from '../../test/road.ts'

/** Parts of the specifications that the road itself does not use. */

async function openapi(document: string) {
  const { road } = await Road.copy()
  await road.write(
    'vendor/cardnet.json',
    '{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{"/c":{"post":{"operationId":"createCharge","responses":{"200":{"description":"x"}}}}}}',
  )
  await road.write('ledger/extra.openapi.yaml', document)
  const changed = await road.change(
    'spandrel.yaml',
    '[ledger/ledger.asyncapi.yaml]',
    '[ledger/ledger.asyncapi.yaml, ledger/extra.openapi.yaml]',
  )
  const { system, findings } = await changed.load()
  const errors = findings.filter(({ severity }) => severity === 'error').map((one) => road.shown(one))
  return { service: system?.services['ledger'], errors, findings }
}

const head = 'openapi: 3.1.0\ninfo: { title: Extra, version: "3" }\n'

describe('OpenAPI', () => {
  test('webhooks and callbacks have operations and guarantees', async () => {
    const { service, errors } = await openapi(`${head}
webhooks:
  paid:
    post:
      operationId: onPaid
      x-guarantees: { idempotency: { key: $request.header.webhook-id, retention: P5D }, retry: { attempts: 9 } }
      responses: { '204': { description: Noted } }
paths:
  /pay:
    post:
      operationId: pay
      x-guarantees: { completion: { by: callback, ref: done } }
      responses: { '202': { description: Accepted } }
      callbacks:
        done:
          '{$request.query.url}/done':
            post: { operationId: onDone, responses: { '200': { description: Fine } } }
  /payments:
    get:
      x-guarantees: { push: { by: webhook, ref: onPaid } }
      operationId: listPayments
      responses: { '200': { description: All } }
`)
    expect(errors).toEqual([])
    expect(service?.webhooks).toMatchObject([
      { operation: 'onPaid', path: 'paid', guarantees: { values: { retry: { attempts: 9 } } } },
    ])
    expect(service?.operations['pay']?.callbacks).toMatchObject([
      { name: 'done', expression: '{$request.query.url}/done', operations: [{ operation: 'onDone', method: 'POST' }] },
    ])
    expect(service?.operations['listPayments']?.guarantees.push).toEqual({ by: 'webhook', ref: 'onPaid' })
  })

  test('3.2: QUERY, other methods, query strings, media types by reference', async () => {
    const { service, errors } = await openapi(`${head.replace('3.1.0', '3.2.0')}
paths:
  /search:
    query:
      operationId: search
      parameters:
        - name: all
          in: querystring
          content: { application/x-www-form-urlencoded: { schema: { type: object } } }
      requestBody: { content: { application/json: { $ref: '#/components/mediaTypes/Search' } } }
      responses: { '200': { summary: Found } }
    additionalOperations:
      LINK: { operationId: link, responses: { '204': { description: Linked } } }
components:
  mediaTypes: { Search: { schema: { type: object, properties: { text: { type: string } } } } }
`)
    expect(errors).toEqual([])
    expect(service?.operations['search']).toMatchObject({
      method: 'QUERY',
      parameters: [{ in: 'querystring', contentType: 'application/x-www-form-urlencoded', type: 'object' }],
      requestBody: { content: [{ schema: { schema: { type: 'object' } } }] },
      guarantees: { natural: false },
    })
    expect(service?.operations['link']?.method).toBe('LINK')
  })

  test('an operation has its own security, or none, or an optional one', async () => {
    const { service, errors } = await openapi(
      `${head}
security: [{ a: [] }]
paths:
  /root: { get: { operationId: root, responses: {} } }
  /open: { get: { operationId: open, security: [], responses: { default: { description: x } } } }
  /both: { get: { operationId: both, security: [{ a: [], b: [read] }, {}], responses: { default: { description: x } } } }
components:
  securitySchemes:
    a: { type: apiKey, in: cookie, name: session }
    b: { type: oauth2, flows: { clientCredentials: { tokenUrl: /token, scopes: { read: Read } } } }
`.replace('operationId: root, responses: {}', 'operationId: root, responses: { default: { description: x } }'),
    )
    expect(errors).toEqual([])
    const names = (operation: string) =>
      service?.operations[operation]?.security.map(({ schemes }) =>
        schemes.map(({ scheme, scopes }) => [scheme.name, ...scopes]),
      )
    expect(names('root')).toEqual([[['a']]])
    expect(names('open')).toEqual([])
    expect(names('both')).toEqual([[['a'], ['b', 'read']], []])
    expect(service?.operations['root']?.security[0]?.schemes[0]?.scheme).toMatchObject({
      in: 'cookie',
      parameter: 'session',
    })
  })

  test('an optional scheme does not tell callers apart', async () => {
    const { errors } = await openapi(`${head}
paths:
  /pay:
    post:
      operationId: pay
      security: [{ a: [] }, {}]
      x-guarantees: { idempotency: { key: $request.header.Key } }
      responses: { default: { description: x } }
components: { securitySchemes: { a: { type: http, scheme: basic } } }
`)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain('caller-unknown')
  })

  test('parameters: types through references, lists, defaults of style', async () => {
    const { service, errors } = await openapi(`${head}
paths:
  /p/{id}:
    parameters: [{ $ref: '#/components/parameters/Id' }, { name: X-A, in: header, schema: { type: string } }]
    get:
      operationId: p
      parameters:
        - { name: ids, in: query, style: pipeDelimited, schema: { type: array, items: { $ref: '#/components/schemas/Number' } } }
        - { name: filter, in: query, style: deepObject, schema: { type: object } }
        - { name: flag, in: query, schema: { anyOf: [{ type: boolean }, { type: string }] } }
        - { name: x-a, in: header, required: true, schema: { enum: [1, 2] } }
      responses: { default: { description: x } }
components:
  parameters: { Id: { name: id, in: path, required: true, schema: { $ref: '#/components/schemas/Number' } } }
  schemas: { Number: { type: [integer, 'null'] } }
`)
    expect(errors).toEqual([])
    expect(service?.operations['p']?.parameters).toMatchObject([
      { name: 'id', in: 'path', type: 'integer' },
      { name: 'x-a', in: 'header', required: true, type: 'number' },
      { name: 'ids', type: 'array', itemType: 'integer', style: 'pipeDelimited', explode: false },
      { name: 'filter', type: 'object', style: 'deepObject' },
      { name: 'flag', type: 'string', style: 'form', explode: true },
    ])
  })
})

describe('AsyncAPI', () => {
  test('a reply makes a command, and has its own channel and messages', async () => {
    const { road } = await Road.copy([
      {
        file: 'orders/orders.asyncapi.yaml',
        from: '  announceOrder:\n',
        to: "  askPrice:\n    action: send\n    channel: { $ref: '#/channels/prices' }\n    reply: { channel: { $ref: '#/channels/answers' } }\n  announceOrder:\n",
      },
      {
        file: 'orders/orders.asyncapi.yaml',
        from: 'channels:\n',
        to: 'channels:\n  prices: { address: road.prices, messages: { priceAsked: { payload: true } } }\n  answers: { address: road.answers, messages: { price: { x-intent: document } } }\n',
      },
    ])
    const orders = (await road.system()).services['orders']
    expect(orders?.sends['askPrice']).toMatchObject({
      messages: [{ message: 'priceAsked', intent: 'command', payload: { schema: true } }],
      reply: { channel: 'road.answers', messages: [{ message: 'price', intent: 'document' }] },
    })
  })

  test('what the operation says wins over its traits, key by key', async () => {
    const file = 'orders/orders.asyncapi.yaml'
    const { road } = await Road.copy([
      {
        file,
        from: '      x-effects: external\n',
        to: '      x-effects: external\n      x-integration: { owner: a trait, process: checkout }\n',
      },
      {
        file,
        from: '    x-guarantees:\n      retry: { attempts: 4 }\n',
        to: '    summary: Its own\n    x-effects: transaction\n    x-integration: { owner: itself }\n',
      },
    ])
    expect((await road.system()).services['orders']?.receives['completeOrder']).toMatchObject({
      summary: 'Its own',
      effects: 'transaction',
      integration: { owner: 'itself', process: 'checkout' },
      guarantees: { values: { retry: { attempts: 3 } } },
    })
  })

  test('total order takes one partition', async () => {
    const send = {
      file: 'payments/payments.asyncapi.yaml',
      from: "channel: { $ref: '#/channels/payments' }",
      to: "channel: { $ref: '#/channels/payments' }\n    x-guarantees: { ordering: total }",
    }
    const { road } = await Road.copy([send])
    const system = await road.system()
    expect(system.channels['road.payments']).toMatchObject({ ordered: true, partitions: 1 })
    expect(system.services['ledger']?.channels['road.payments']).toMatchObject({ ordered: true, partitions: 1 })
    const { road: wrong, places } = await Road.copy([
      send,
      { file: 'spandrel.yaml', from: 'channels:\n', to: 'channels:\n  road.payments: { partitions: ▸3 }\n' },
    ])
    expect((await wrong.load()).findings).toMatchObject([
      { id: 'total-order-partitions', line: places[0]?.line, column: places[0]?.column },
    ])
  })

  test('payloads in other formats are accepted as anything; JSON Schema in them is read', async () => {
    const { road } = await Road.copy([
      {
        file: 'orders/orders.asyncapi.yaml',
        from: "payload: { $ref: '#/components/schemas/Order' }",
        to: 'payload:\n        schemaFormat: application/schema+json;version=draft-07\n        schema: { type: object, properties: { orderId: { type: integer } } }',
      },
    ])
    const orders = (await road.system()).services['orders']
    expect(orders?.messages['orderPlaced']?.payload.schema).toMatchObject({
      properties: { orderId: { type: 'integer' } },
    })
  })
})

describe('spandrel.yaml', () => {
  test('a file included twice is read once', async () => {
    const { road } = await Road.copy([
      {
        file: 'spandrel.yaml',
        from: '[payments/spandrel.yaml]',
        to: '[payments/spandrel.yaml, payments/../payments/spandrel.yaml]',
      },
    ])
    expect(Object.keys((await road.system()).services)).toHaveLength(4)
  })

  test('without a default style nobody is asked for reasons', async () => {
    const { road } = await Road.copy([
      { file: 'spandrel.yaml', from: 'defaults: { style: messaging }\n', to: '' },
      { file: 'spandrel.yaml', from: '{ style: rpc, reason: the shopper waits for the price }', to: '' },
    ])
    const system = await road.system()
    expect(system.defaults.style).toBeUndefined()
    expect(system.services['orders']?.uses['payments.quotePrice']?.style).toBe('rpc')
  })

  test.each([
    ['9000', '127.0.0.1', 9000],
    ["'0.0.0.0:9000'", '0.0.0.0', 9000],
    ["'[::]:9000'", '::', 9000],
    ['gateway.local:80', 'gateway.local', 80],
  ])('listen: %s', async (written, host, port) => {
    const { road } = await Road.copy([{ file: 'spandrel.yaml', from: '${ROAD_PORT:-8080}', to: written }])
    expect((await road.system()).gateway).toMatchObject({ host, port })
  })

  test('the gateway knows callers by tokens, keys or a trusted proxy', async () => {
    const { road } = await Road.copy([
      {
        file: 'spandrel.yaml',
        from: '  caller: $request.jwt#/sub\n',
        to: '  jwt: { jwks: keys.json, issuer: me, audience: you }\n  apiKeys: keys.yaml\n  trusted: { header: x-user, from: [10.0.0.0/8] }\n',
      },
    ])
    expect((await road.system()).gateway).toMatchObject({
      jwt: { jwks: 'keys.json', issuer: 'me', audience: 'you' },
      apiKeys: 'keys.yaml',
      trusted: { header: 'x-user', from: ['10.0.0.0/8'] },
    })
  })

  test('a variable that is set to nothing takes its default, and `$${` is a plain `${`', async () => {
    const { road } = await Road.copy([
      { file: 'spandrel.yaml', from: 'dev: node src/main.ts', to: 'dev: echo $${HOME} ${WHO:-me}' },
    ])
    expect((await road.system({ WHO: '' })).services['orders']?.dev).toBe('echo ${HOME} me')
    expect((await road.system({ WHO: 'you' })).services['orders']?.dev).toBe('echo ${HOME} you')
  })
})
