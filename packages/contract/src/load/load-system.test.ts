import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Road } from '../../test/road.ts'
import { checkSystem } from './load-system.ts'

const DAY = 86_400_000

async function load(env: Record<string, string> = {}) {
  const { road } = await Road.copy()
  return { road, system: await road.system(env) }
}

describe('the system', () => {
  test('has its services, in the order written, included ones last', async () => {
    const { system, road } = await load()
    expect(system.name).toBe('road')
    expect(Object.keys(system.services)).toEqual(['orders', 'ledger', 'cardnet', 'payments'])
    expect(system.services['payments']?.dir).toBe(join(road.dir, 'payments'))
    expect(system.workflows['checkout']).toMatchObject({ coordination: 'choreography', owner: 'team-orders' })
    expect(system.services['cardnet']).toMatchObject({ external: true, keys: 'gateway', version: '2024-11' })
    expect(system.services['ledger']).toMatchObject({ external: false, keys: 'gateway' })
    expect(system.services['payments']?.keys).toBe('service')
  })

  test('is frozen, deeply, and plain data', async () => {
    const { system } = await load()
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(system)).toBe(true)
    expect(JSON.parse(JSON.stringify(system))).toEqual(system)
  })

  test('has the place of every element', async () => {
    const { system, road } = await load()
    const lineOf = (file: string, text: string): number =>
      readFileSync(join(road.dir, file), 'utf8')
        .split('\n')
        .findIndex((line) => line.includes(text)) + 1
    const file = 'orders/orders.openapi.yaml'
    const placeOrder = system.services['orders']?.operations['placeOrder']
    expect(placeOrder?.location).toMatchObject({
      file: join(road.dir, file),
      line: lineOf(file, '    post:'),
      column: 5,
      pointer: '/paths/~1orders/post',
    })
    expect(placeOrder?.guarantees.declared.timeout?.line).toBe(lineOf(file, 'timeout: PT10S'))
    expect(placeOrder?.guarantees.declared.completion?.line).toBe(lineOf(file, 'completion:'))
    expect(system.services['payments']?.operations['quotePrice']?.guarantees.declared.timeout).toMatchObject({
      file: join(road.dir, 'payments/payments.guarantees.yaml'),
      line: 3,
      column: 5,
    })
  })

  test('resolves uses to the operation of the provider, with a URL that does not depend on this machine', async () => {
    const { system } = await load({ PAYMENTS_URL: 'http://10.0.0.9:1' })
    const use = system.services['orders']?.uses['payments.quotePrice']
    expect(use).toMatchObject({
      service: 'payments',
      operation: 'quotePrice',
      style: 'rpc',
      url: { env: 'PAYMENTS_URL', default: 'http://127.0.0.1:7002' },
    })
    expect(use?.provider).toBe(system.services['payments']?.operations['quotePrice'])
    expect(system.services['payments']?.url?.value).toBe('http://10.0.0.9:1')
    expect(system.services['payments']?.uses['cardnet.createCharge']?.url).toEqual({ env: 'CARDNET_URL' })
  })

  test('matches sends and receives by address, and messages by type', async () => {
    const { system } = await load()
    expect(system.channels['road.orders']).toMatchObject({
      ordered: true,
      partitions: 4,
      retentionMs: 7 * DAY,
      senders: [{ service: 'orders', operation: 'announceOrder' }],
      receivers: [{ service: 'payments', operation: 'capturePayment' }],
    })
    expect(system.channels['road.payments']).toMatchObject({ ordered: false, partitions: 8 })
    const edges = system.integrations.map(({ consumer, ref, kind, style }) => `${consumer} ${kind} ${ref} ${style}`)
    expect(edges.sort()).toEqual([
      'ledger message payments.paymentCaptured messaging',
      'orders call payments.quotePrice rpc',
      'orders message payments.paymentCaptured messaging',
      'payments call cardnet.createCharge rpc',
      'payments message orders.orderPlaced messaging',
    ])
  })

  test('takes settings from the environment: variables, defaults, overrides', async () => {
    const plain = (await load()).system
    expect(plain.transport).toMatchObject({ value: 'postgres:', default: 'postgres:', env: 'SPANDREL_TRANSPORT_URL' })
    expect(plain.gateway).toMatchObject({ host: '127.0.0.1', port: 8080 })
    expect(plain.gateway?.caller).toEqual({ source: 'request.jwt', pointer: ['sub'] })
    expect(plain.services['ledger']?.database).toMatchObject({ missing: ['LEDGER_DATABASE_URL'] })
    expect(plain.services['ledger']?.database?.value).toBeUndefined()
    const { system } = await load({
      ROAD_PORT: '9000',
      LEDGER_DATABASE_URL: 'postgres://127.0.0.1/ledger',
      LEDGER_URL: 'http://ledger:80',
      SPANDREL_SERVICES_ORDERS_URL: 'http://orders:81',
      SPANDREL_SERVICES_ORDERS_DEV: 'node other.ts',
      SPANDREL_TRANSPORT: 'nats://broker',
      SPANDREL_VERSION: '7',
    })
    expect(system.gateway?.port).toBe(9000)
    expect(system.services['ledger']?.database?.value).toBe('postgres://127.0.0.1/ledger')
    expect(system.services['ledger']?.events).toMatchObject({
      value: 'http://ledger:80/events',
      default: 'http://127.0.0.1:7005/events',
    })
    expect(system.services['orders']?.url?.value).toBe('http://orders:81')
    expect(system.services['orders']?.url?.default).toBe('http://127.0.0.1:7001')
    expect(system.services['orders']?.dev).toBe('node other.ts')
    expect(system.transport.value).toBe('nats://broker')
  })
})

describe('OpenAPI', () => {
  test('operations with parameters, bodies, answers and security', async () => {
    const { system } = await load()
    const { placeOrder, getOrder, cancelOrder } = system.services['orders']?.operations ?? {}
    expect(placeOrder).toMatchObject({
      method: 'POST',
      path: '/orders',
      requestBody: { required: true, content: [{ contentType: 'application/json', json: true }] },
      security: [{ schemes: [{ scheme: { name: 'shopper', type: 'http', scheme: 'bearer' }, scopes: [] }] }],
    })
    expect(placeOrder?.requestBody?.content[0]?.schema?.schema).toEqual({ $ref: '#/$defs/Basket' })
    expect(Object.keys(placeOrder?.responses ?? {})).toEqual(['202', 'default'])
    expect(placeOrder?.responses['202']?.headers).toMatchObject([{ name: 'Location', required: true }])
    expect(placeOrder?.responses['default']).toMatchObject({
      description: 'What went wrong',
      content: [{ json: true }],
    })
    expect(getOrder?.parameters).toMatchObject([
      { name: 'orderId', in: 'path', required: true, type: 'string', style: 'simple', explode: false },
      { name: 'wait', in: 'query', required: false, type: 'integer', style: 'form', explode: true },
    ])
    expect(cancelOrder).toMatchObject({ deprecated: true, sunset: '2027-06-30' })
  })

  test('schemas become 2020-12, named, with recursion kept', async () => {
    const { system } = await load()
    const { schemas = {} } = system.services['orders'] ?? {}
    expect(Object.keys(schemas).sort()).toEqual(['About', 'Basket', 'Line', 'Order', 'OrderMessage'])
    expect(schemas['Order']?.schema).toMatchObject({
      properties: { replaces: { $ref: '#/$defs/Order', description: 'The order before it' } },
    })
    // Shared between an OpenAPI and an AsyncAPI document: one type. Its needless escape would not compile with `u`.
    expect(schemas['Line']?.schema).toEqual({
      type: 'object',
      required: ['sku'],
      properties: { sku: { type: 'string', pattern: '^[a-z_0-9]+$' }, gift: { $ref: '#/$defs/Line' } },
    })
    const quote = system.services['payments']?.operations['quotePrice']?.responses['200']?.content[0]?.schema?.schema
    expect(quote).toEqual({
      type: 'object',
      properties: {
        total: { type: 'integer', minimum: 0, exclusiveMinimum: 0 },
        discount: { type: ['number', 'null'], examples: [0.5] },
      },
    })
    const booked = system.services['ledger']?.messages['paymentCaptured']?.payload.schema
    expect(booked).toMatchObject({
      properties: { parts: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false } },
      dependentRequired: { parts: ['orderId'] },
    })
  })
})

describe('AsyncAPI', () => {
  test('message traits apply, and the message itself wins', async () => {
    const { system } = await load()
    const { orderPlaced, orderCancelled } = system.services['orders']?.messages ?? {}
    expect(orderPlaced).toMatchObject({
      message: 'orderPlaced',
      type: 'OrderPlaced',
      intent: 'event',
      contentType: 'application/vnd.road+json',
      correlation: { source: 'message.header', pointer: ['correlationid'] },
    })
    expect(orderCancelled).toMatchObject({ type: 'orderCancelled', contentType: 'application/json' })
  })

  test('operation traits apply in order, the operation itself last', async () => {
    const { system } = await load()
    const completeOrder = system.services['orders']?.receives['completeOrder']
    expect(completeOrder).toMatchObject({
      effects: 'external',
      summary: 'From the base trait',
      channel: 'road.payments',
    })
    expect(completeOrder?.guarantees.values).toEqual({
      idempotency: {
        key: { source: 'message.payload', pointer: ['orderId'] },
        required: true,
        scope: 'global',
        retentionMs: 30 * DAY,
        onOverlap: 'wait',
        onMismatch: 'reject',
        remembers: 'final',
      },
      delivery: 'at-least-once',
      ordering: 'none',
      timeoutMs: 5000,
      retry: { attempts: 4, backoff: 'linear', delayMs: 2000, maxDelayMs: 300_000 },
      deadLetter: { retentionMs: 14 * DAY, replay: 'manual', onPoison: 'hold-key' },
    })
  })
})

describe('guarantees are inherited: root → path item → operation → sidecar', () => {
  test('nearest wins, member by member, and null removes', async () => {
    const { system } = await load()
    const { placeOrder, getOrder, cancelOrder } = system.services['orders']?.operations ?? {}
    // From the root: timeout and retention. The rest is the operation's own, or what a key means by default.
    expect(placeOrder?.guarantees.values).toMatchObject({
      timeoutMs: 10_000,
      idempotency: {
        retentionMs: 3 * DAY,
        onOverlap: 'wait',
        scope: 'caller',
        onMismatch: 'reject',
        remembers: 'final',
      },
      retry: 'none',
    })
    expect(placeOrder?.guarantees.completion).toEqual({
      by: 'status',
      ref: 'getOrder',
      success: ['completed'],
      failure: ['rejected'],
      withinMs: 120_000,
    })
    expect(placeOrder?.guarantees.natural).toBe(false)
    // The shared retention is no key: a GET stays natural.
    expect(getOrder?.guarantees).toMatchObject({ natural: true, values: { idempotency: 'natural', timeoutMs: 10_000 } })
    expect(getOrder?.guarantees.declared.idempotency).toBeUndefined()
    expect(cancelOrder?.guarantees.values.timeoutMs).toBeUndefined()
    expect(cancelOrder?.guarantees.values.retry).toEqual({
      attempts: 2,
      backoff: 'exponential',
      delayMs: 1000,
      maxDelayMs: 300_000,
    })
  })

  test.each([
    ['root alone', 'PT1S', '', '', 1000],
    ['path item over root', 'PT1S', 'PT2S', '', 2000],
    ['operation over path item', 'PT1S', 'PT2S', 'PT3S', 3000],
    ['operation over root', 'PT1S', '', 'PT3S', 3000],
    ['operation removes', 'PT1S', 'PT2S', 'null', undefined],
    ['path item removes', 'PT1S', 'null', '', undefined],
    ['path item removes, operation sets', 'PT1S', 'null', 'PT3S', 3000],
  ])('%s', async (_name, root, item, operation, expected) => {
    const { road } = await Road.copy([
      { file: 'orders/orders.openapi.yaml', from: 'timeout: PT10S', to: `timeout: ${root}` },
      {
        file: 'orders/orders.openapi.yaml',
        from: '  /orders/{orderId}:\n',
        to: `  /orders/{orderId}:\n${item === '' ? '' : `    x-guarantees: { timeout: ${item} }\n`}`,
      },
      {
        file: 'orders/orders.openapi.yaml',
        from: '      operationId: getOrder\n',
        to: `      operationId: getOrder\n${operation === '' ? '' : `      x-guarantees: { timeout: ${operation} }\n`}`,
      },
      { file: 'orders/orders.openapi.yaml', from: 'x-guarantees: { timeout: null, retry', to: 'x-guarantees: { retry' },
    ])
    const system = await road.system()
    expect(system.services['orders']?.operations['getOrder']?.guarantees.values.timeoutMs).toBe(expected)
  })

  test('sidecars: beside the document by name, and by the `guarantees` key; they win over the document', async () => {
    const { system } = await load()
    const quotePrice = system.services['payments']?.operations['quotePrice']
    expect(quotePrice?.guarantees.values).toMatchObject({
      timeoutMs: 2000,
      retry: { attempts: 5, delayMs: 50, on: [502, '5XX'] },
    })
    expect(quotePrice?.probe).toMatchObject({ settlesMs: 1000 })
    const createCharge = system.services['cardnet']?.operations['createCharge']
    expect(createCharge?.guarantees.values.idempotency).toMatchObject({ scope: 'global', required: false })
    expect(createCharge?.integration).toMatchObject({ owner: 'cardnet', style: 'rpc' })
  })

  test('absent members behave by default, and are not declared', async () => {
    const { system } = await load()
    const capture = system.services['payments']?.receives['capturePayment']
    expect(capture?.guarantees.declared).toEqual({ ordering: expect.anything() })
    expect(capture?.guarantees.values).toEqual({
      idempotency: 'none',
      delivery: 'at-least-once',
      ordering: { by: { source: 'message.payload', pointer: ['orderId'] } },
      retry: { attempts: 5, backoff: 'exponential', delayMs: 1000, maxDelayMs: 300_000 },
      deadLetter: { retentionMs: 14 * DAY, replay: 'manual', onPoison: 'hold-key' },
    })
    expect(system.services['ledger']?.receives['bookCapture']?.guarantees.values.deadLetter).toBe('none')
  })

  test.each([
    ['get', 'natural'],
    ['head', 'natural'],
    ['options', 'natural'],
    ['trace', 'natural'],
    ['put', 'natural'],
    ['delete', 'natural'],
    ['post', 'none'],
    ['patch', 'none'],
  ])('%s is %s by itself', async (method, expected) => {
    const { road } = await Road.copy([
      { file: 'vendor/cardnet.json', from: '"post": {', to: `"${method}": {` },
      {
        file: 'vendor/terms.guarantees.yaml',
        from: 'idempotency: { key: $request.header.Idempotency-Key, scope: global, required: false }',
        to: 'timeout: PT1S',
      },
    ])
    const createCharge = (await road.system()).services['cardnet']?.operations['createCharge']
    expect(createCharge?.guarantees.values.idempotency).toBe(expected)
    expect(createCharge?.guarantees.natural).toBe(expected === 'natural')
  })
})

test('checkSystem gives the system and its findings', async () => {
  const { road } = await Road.copy()
  const { system, findings } = await checkSystem(join(road.dir, 'spandrel.yaml'), { env: {} })
  expect(system?.name).toBe('road')
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
})
