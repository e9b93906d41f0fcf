import { migrateService } from '@spandrel/runtime/operate'
import { pgDatabase } from '@spandrel/runtime/pg'
import { beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../../test/postgres.ts'
import { journeyTree, type Receiver } from '../src/journey/journey-tree.ts'
import { findJourneys, readRows } from '../src/journey/read-rows.ts'
import { renderJourney } from '../src/journey/render-journey.ts'

const start = Date.UTC(2026, 0, 2, 12, 0, 1, 120)
const at = (ms: number): string => new Date(start + ms).toISOString()

let databases: Record<string, TestDatabase>

beforeAll(async () => {
  databases = {}
  for (const service of ['orders', 'inventory', 'payments']) {
    const database = await testDatabase()
    await migrateService(database.pool, {
      service,
      source: `/shop/${service}`,
      version: '1',
      channels: [],
      subscriptions: [],
    })
    databases[service] = database
  }
})

async function write(service: string, table: string, row: Record<string, unknown>): Promise<void> {
  const columns = Object.keys(row)
  await databases[service]!.pool.query(
    `insert into spandrel.${table} (${columns.map((name) => `"${name}"`).join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  )
}

interface Wire {
  id: string
  service: string
  type: string
  cause: string
  ms: number
  correlation: string
  key?: string
}

function attributes(wire: Wire): string {
  const { id, service, type, cause, ms, correlation, key } = wire
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: `/shop/${service}`,
    type,
    time: at(ms),
    correlationid: correlation,
    causationid: cause,
    partitionkey: key,
  })
}

let sequence = 0
async function sent(wire: Wire, more: Record<string, unknown> = {}): Promise<void> {
  const { id, service, type, ms, correlation } = wire
  await write(service, 'sent', {
    id: ++sequence,
    channel: service,
    source: `/shop/${service}`,
    message_id: id,
    type,
    correlationid: correlation,
    attributes: attributes(wire),
    sent_at: at(ms),
    ...more,
  })
}

async function handled(
  service: string,
  operation: string,
  wire: Wire,
  ms: number,
  more: Record<string, unknown> = {},
): Promise<void> {
  await write(service, 'inbox', {
    subscription: `${service}:${wire.service}`,
    source: `/shop/${wire.service}`,
    message_id: wire.id,
    operation,
    type: wire.type,
    outcome: 'handled',
    partition: 0,
    offset: ++sequence,
    epoch: 1,
    correlationid: wire.correlation,
    partitionkey: wire.key,
    at: at(ms),
    expires_at: at(9e9),
    ...more,
  })
}

async function noted(service: string, kind: string, ms: number, row: Record<string, unknown>): Promise<void> {
  await write(service, 'journal', { kind, at: at(ms), ...row })
}

async function drawn(
  correlation: string,
  receivers: (channel: string, type: string) => readonly Receiver[] = () => [],
): Promise<string[]> {
  const rows = []
  for (const [service, { pool }] of Object.entries(databases))
    rows.push(await readRows(service, pgDatabase(pool).query, correlation))
  // The time of day depends on where the test runs.
  return renderJourney(journeyTree(rows, receivers), (_style, text) => text).map((line) =>
    line.replace(/ {2}\d\d:\d\d:\d\d\.\d{3}$/, '  TIME'),
  )
}

test('the road of an order: what caused what, with what went wrong on the way', async () => {
  const correlation = 'c-road'
  const request = { correlationid: correlation, operation: 'placeOrder', source: '/shop/orders' }
  await noted('orders', 'answered', 0, { ...request, message_id: 'r-1', detail: '{"status":202,"ms":9,"key":"k-1"}' })
  // Its row was written with the commit, after the message it led to.
  await noted('orders', 'call', 4, {
    correlationid: correlation,
    operation: 'payments.quotePrice',
    causationid: 'r-1',
    source: '/shop/orders',
    detail: JSON.stringify({ outcome: 'ok', ms: 3, at: at(-3) }),
  })
  await noted('orders', 'replayed-answer', 700, { ...request, message_id: 'r-2', detail: '{"key":"k-1"}' })
  const placed: Wire = {
    id: 'm-1',
    service: 'orders',
    type: 'orderPlaced',
    cause: 'r-1',
    ms: 1,
    correlation,
    key: 'ord_17',
  }
  await sent(placed)
  const delivery = {
    correlationid: correlation,
    subscription: 'inventory:orders',
    source: '/shop/orders',
    message_id: 'm-1',
    operation: 'reserveStock',
  }
  await noted('inventory', 'attempt-failed', 5, {
    ...delivery,
    why: 'deadlock of its own making',
    detail: '{"attempt":1,"reason":"threw"}',
  })
  await noted('inventory', 'held', 5, { ...delivery, detail: '{"delayMs":1200,"attempts":1}' })
  await handled('inventory', 'reserveStock', placed, 1210)
  await noted('inventory', 'duplicate', 1500, delivery)
  const reserved: Wire = {
    id: 'm-2',
    service: 'inventory',
    type: 'stockReserved',
    cause: 'm-1',
    ms: 1211,
    correlation,
    key: 'ord_17',
  }
  await sent(reserved)
  await handled('payments', 'capturePayment', reserved, 1230)
  await noted('payments', 'note', 1229, {
    correlationid: correlation,
    subscription: 'payments:inventory',
    source: '/shop/inventory',
    message_id: 'm-2',
    operation: 'capturePayment',
    why: 'captured 49.00',
  })
  const captured: Wire = {
    id: 'm-3',
    service: 'payments',
    type: 'paymentCaptured',
    cause: 'm-2',
    ms: 1231,
    correlation,
    key: 'ord_17',
  }
  await write('payments', 'outbox', {
    channel: 'payments',
    partitionkey: 'ord_17',
    attributes: attributes(captured),
    data: '{}',
  })

  expect(await drawn(correlation)).toEqual([
    '└─ orders.placeOrder 202 (key k-1)  TIME',
    '   ├─ calls payments.quotePrice  +0 ms',
    '   ├─ orderPlaced → inventory.reserveStock  +4 ms … +1.21 s',
    '   │  ├─ attempt 1 failed: deadlock of its own making  +8 ms',
    '   │  ├─ tried again after 1.2 s  +8 ms',
    '   │  ├─ stockReserved → payments.capturePayment  +1.21 s … +1.23 s',
    '   │  │  ├─ → captured 49.00  +1.23 s',
    '   │  │  └─ paymentCaptured in the outbox of payments, not sent yet  +1.23 s',
    '   │  └─ delivered again → duplicate suppressed  +1.50 s',
    '   └─ the same request again → answered with the first answer  +703 ms',
  ])
})

test('messages nobody has handled say where they are', async () => {
  const correlation = 'c-held'
  const [dead, waiting, lost]: Wire[] = ['d', 'w', 'l'].map((id, index) => ({
    id: `h-${id}`,
    service: 'orders',
    type: 'orderPlaced',
    cause: 'r-9',
    ms: index,
    correlation,
    key: 'ord_9',
  })) as [Wire, Wire, Wire]
  for (const wire of [dead!, waiting!, lost!]) await sent(wire)
  for (const [wire, more] of [
    [dead!, { dead_at: at(50), attempts: 5, error: 'card is poison' }],
    [waiting!, {}],
  ] as const) {
    await write('inventory', 'held', {
      subscription: 'inventory:orders',
      channel: 'orders',
      operation: 'reserveStock',
      partition: 0,
      partitionkey: 'ord_9',
      source: '/shop/orders',
      message_id: wire.id,
      type: wire.type,
      attributes: attributes(wire),
      data: '{}',
      correlationid: correlation,
      ...more,
    })
  }
  const receivers = (): Receiver[] => [{ service: 'inventory', operation: 'reserveStock' }]
  expect(await drawn(correlation, receivers)).toEqual([
    '├─ orderPlaced → inventory.reserveStock dead letter: card is poison  +0 ms',
    '├─ orderPlaced → inventory.reserveStock waits behind an earlier message of its key  +1 ms',
    '└─ orderPlaced → inventory.reserveStock on its way  +2 ms',
  ])
})

test('owners that died with a message in their hands, or just after its commit, are told; others are not', async () => {
  const correlation = 'c-death'
  const one: Wire = { id: 'x-1', service: 'orders', type: 'orderPlaced', cause: 'r-3', ms: 0, correlation }
  await sent(one)
  await handled('inventory', 'reserveStock', one, 2000, { offset: 40, partition: 3 })
  const takeover = (ms: number, partition: number, position: number): Promise<void> =>
    noted('inventory', 'takeover', ms, {
      subscription: 'inventory:orders',
      detail: JSON.stringify({ partition, position }),
    })
  await takeover(-5000, 3, 39) // before it was sent
  await takeover(1000, 3, 39) // while it was to be handled
  await takeover(1100, 2, 39) // of another partition
  await takeover(4000, 3, 40) // just after
  await takeover(9000, 3, 77) // long after
  const ignored = { outcome: 'ignored', subscription: 'payments:orders' }
  await handled('payments', '', one, 2500, ignored)
  expect(await drawn(correlation)).toEqual([
    '└─ orderPlaced → inventory.reserveStock  +0 ms … +2.00 s',
    '   ├─ the owner of its partition died → taken over by another  +1.00 s',
    '   └─ its process died after commit → taken over, not handled again  +4.00 s',
  ])
})

test('a message begins when it was made, not when its relay noted it; nothing ends before it begins', async () => {
  const correlation = 'times'
  const made = { service: 'orders', type: 'orderPlaced', cause: 'nobody', correlation }
  // The receiver was done before the relay had deleted the row.
  const noted = { ...made, id: 'times-1', ms: 340 }
  await sent(noted, { sent_at: at(373) })
  await handled('inventory', 'reserveStock', noted, 369)
  // The clock of whoever made it is ahead of the database's.
  const ahead = { ...made, id: 'times-2', ms: 420 }
  await sent(ahead, { sent_at: at(421) })
  await handled('inventory', 'reserveStock', ahead, 400)
  // A row without a time: `sent_at` is all there is.
  const timeless = { ...made, id: 'times-3', ms: 500 }
  const { time: _, ...rest } = JSON.parse(attributes(timeless)) as Record<string, unknown>
  await sent(timeless, { attributes: JSON.stringify(rest), sent_at: at(510) })
  await handled('inventory', 'reserveStock', timeless, 505)
  expect(await drawn(correlation)).toEqual([
    '├─ orderPlaced → inventory.reserveStock  +0 ms … +29 ms',
    '├─ orderPlaced → inventory.reserveStock  +60 ms',
    '└─ orderPlaced → inventory.reserveStock  +165 ms',
  ])
})

test('messages that claim to cause each other do not go round for ever', async () => {
  const correlation = 'c-loop'
  const one: Wire = { id: 'l-1', service: 'orders', type: 'ping', cause: 'l-2', ms: 0, correlation }
  const two: Wire = { id: 'l-2', service: 'inventory', type: 'pong', cause: 'l-1', ms: 1, correlation }
  await sent(one)
  await sent(two)
  await handled('inventory', 'onPing', one, 1)
  await handled('orders', 'onPong', two, 2)
  expect(await drawn(correlation)).toEqual([
    '└─ ping → inventory.onPing  +0 ms … +1 ms',
    '   └─ pong → orders.onPong  +1 ms … +2 ms',
  ])
})

test('a journey is found by correlation id, message, key, ordering key, or a value that was kept', async () => {
  const { query } = pgDatabase(databases['orders']!.pool)
  await write('orders', 'keys', {
    operation: 'placeOrder',
    scope: '',
    key: 'k-77',
    fingerprint: 'f',
    state: 'done',
    body: '{"orderId":"ord_77"}',
    correlationid: 'c-77',
    claimed_at: at(0),
  })
  const found = async (id: string): Promise<string[]> =>
    (await findJourneys(query, id)).map((one) => `${one.as} ${one.correlation}`)
  expect(await found('c-road')).toEqual(['correlation id c-road'])
  expect(await found('m-1')).toEqual(['message id c-road'])
  expect(await found('r-1')).toEqual(['request id c-road'])
  expect(await found('k-77')).toEqual(['key c-77'])
  expect(await found('ord_77')).toEqual(['orderId c-77'])
  expect(await found('ord_17')).toEqual(['ordering key c-road'])
  // Not a pattern: neither what LIKE nor what SQL would make of it.
  for (const id of ['%', '_____', "'; drop table spandrel.sent; --", 'ord_7', '\\']) expect(await found(id)).toEqual([])
})
