/**
 * A day on which everything went well, written by hand into real databases: what the audit's tests start from before
 * they break one thing. Three orders: one completed, one declined, one that nobody could deliver.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { migrateService, migrateStream } from '@spandrel/runtime/operate'
import type pg from 'pg'

export interface Day {
  /** service → pool; `stream` is one of them */
  pools: Readonly<Record<string, pg.Pool>>
  shopperLog: string
  cardnetCharges: string
}

export interface GoodOrders {
  completed: string
  declined: string
  undelivered: string
}

const CHANNELS = [
  'shop.orders',
  'shop.inventory',
  'shop.payments',
  'shop.shipping',
  'shop.inventory.requests',
  'shop.payments.requests',
]
const SUBSCRIPTIONS = [
  ['inventory', 'shop.orders'],
  ['inventory', 'shop.inventory.requests'],
  ['payments', 'shop.inventory'],
  ['payments', 'shop.payments.requests'],
  ['shipping', 'shop.payments'],
  ['ledger', 'shop.payments'],
  ['orders', 'shop.inventory'],
  ['orders', 'shop.payments'],
  ['orders', 'shop.shipping'],
] as const

/** Makes Spandrel's tables: one partition a channel, so that offsets follow each other. */
export async function migrateDay(day: Day): Promise<void> {
  const channels = CHANNELS.map((address) => ({ address, ordered: true, partitions: 1 }))
  const all = SUBSCRIPTIONS.map(([service, channel]) => ({ service, name: `${service}:${channel}`, channel }))
  for (const [name, pool] of Object.entries(day.pools)) {
    if (name === 'stream') await migrateStream(pool, { channels, subscriptions: all })
    else {
      const subscriptions = all.filter(({ service }) => service === name)
      await migrateService(pool, { service: name, source: `/shop/${name}`, version: '1.0.0', channels, subscriptions })
    }
  }
}

export async function goodDay(day: Day): Promise<GoodOrders> {
  await empty(day)
  const orders = { completed: randomUUID(), declined: randomUUID(), undelivered: randomUUID() }
  let reference = 0
  for (const orderId of Object.values(orders)) await placed(day, orderId, `web-${++reference}`)

  const { completed, declined, undelivered } = orders
  await reserve(day, completed)
  await capture(day, completed, 'web-1')
  await day.pools['shipping']?.query("insert into shipments (order_id, what) values ($1, 'booked')", [completed])
  await happened(day, completed, 'booked', 'completed')
  await message(day, 'shipping', 'shop.shipping', 'shipmentBooked', completed)
  await message(day, 'shipping', 'shop.shipping', 'shipmentDispatched', completed)

  await reserve(day, declined)
  await day.pools['payments']?.query(
    "insert into payments (order_id, what, amount, currency) values ($1, 'declined', 490, 'EUR')",
    [declined],
  )
  await message(day, 'payments', 'shop.payments', 'paymentDeclined', declined)
  await happened(day, declined, 'rejected')
  await release(day, declined)

  await reserve(day, undelivered)
  await capture(day, undelivered, 'web-3')
  await day.pools['shipping']?.query("insert into shipments (order_id, what) values ($1, 'refused')", [undelivered])
  await message(day, 'shipping', 'shop.shipping', 'shipmentFailed', undelivered)
  await happened(day, undelivered, 'rejected')
  await release(day, undelivered)
  await refund(day, undelivered, 'web-3')
  return orders
}

/** A line of the shopper's log. */
export function shopped(day: Day, entry: Record<string, unknown>): void {
  appendFileSync(
    day.shopperLog,
    `${JSON.stringify({ at: new Date().toISOString(), storefront: 'web', copy: 0, try: 0, poison: false, ...entry })}\n`,
  )
}

/** A line of the card network's log. */
export function moved(day: Day, entry: Record<string, unknown>): void {
  appendFileSync(day.cardnetCharges, `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
}

const ROAD = ['outbox', 'sent', 'inbox', 'held', 'keys', 'journal']

async function empty(day: Day): Promise<void> {
  writeFileSync(day.shopperLog, '')
  writeFileSync(day.cardnetCharges, '')
  const owns = {
    orders: ['orders', 'order_history'],
    inventory: ['stock_movements'],
    payments: ['payments'],
    shipping: ['shipments'],
    ledger: ['bookings', 'seen'],
  }
  for (const [service, tables] of Object.entries(owns)) {
    const all = [...tables, ...ROAD.map((table) => `spandrel.${table}`)]
    await day.pools[service]?.query(
      `${all.map((table) => `delete from ${table}`).join(';')}; update spandrel.partitions set position = 0`,
    )
  }
  const stream = day.pools['stream']
  await stream?.query('delete from spandrel_stream.log')
  await stream?.query('update spandrel_stream.heads set head = 0, tail = 0')
}

async function placed(day: Day, orderId: string, reference: string): Promise<void> {
  shopped(day, { what: 'asked', key: `key-${reference}`, reference })
  shopped(day, { what: 'told', key: `key-${reference}`, reference, status: 202, orderId, replayed: false })
  await day.pools['orders']?.query(
    "insert into orders (order_id, reference, sku, quantity, total, currency) values ($1, $2, 'tea', 1, 490, 'EUR')",
    [orderId, reference],
  )
  await happened(day, orderId, 'placed')
  await message(day, 'orders', 'shop.orders', 'orderPlaced', orderId)
}

async function happened(day: Day, orderId: string, ...what: string[]): Promise<void> {
  await day.pools['orders']?.query(
    'insert into order_history (order_id, what) select $1, w from unnest($2::text[]) w',
    [orderId, what],
  )
}

async function reserve(day: Day, orderId: string): Promise<void> {
  const inventory = day.pools['inventory']
  await inventory?.query("insert into stock_movements (sku, quantity, what) values ('tea', 1, 'delivered')")
  await inventory?.query(
    "insert into stock_movements (sku, quantity, what, order_id) values ('tea', -1, 'reserved', $1)",
    [orderId],
  )
  await message(day, 'inventory', 'shop.inventory', 'stockReserved', orderId)
}

async function capture(day: Day, orderId: string, reference: string): Promise<void> {
  const id = `ch_${orderId}`
  moved(day, { what: 'charge', id, amount: 490, reference })
  await day.pools['payments']?.query(
    "insert into payments (order_id, what, amount, currency, charge_id) values ($1, 'captured', 490, 'EUR', $2)",
    [orderId, id],
  )
  await message(day, 'payments', 'shop.payments', 'paymentCaptured', orderId)
  await book(day, orderId, 'capture', 490)
}

async function release(day: Day, orderId: string): Promise<void> {
  await message(day, 'orders', 'shop.inventory.requests', 'releaseStock', orderId)
  await day.pools['inventory']?.query(
    "insert into stock_movements (sku, quantity, what, order_id) values ('tea', 1, 'released', $1)",
    [orderId],
  )
  await message(day, 'inventory', 'shop.inventory', 'stockReleased', orderId)
  await happened(day, orderId, 'stock-released')
}

async function refund(day: Day, orderId: string, reference: string): Promise<void> {
  await message(day, 'orders', 'shop.payments.requests', 'refundPayment', orderId)
  moved(day, { what: 'refund', id: `re_${orderId}`, charge: `ch_${orderId}`, amount: 490, reference })
  await day.pools['payments']?.query(
    "insert into payments (order_id, what, amount, currency) values ($1, 'refunded', 490, 'EUR')",
    [orderId],
  )
  await message(day, 'payments', 'shop.payments', 'paymentRefunded', orderId)
  await book(day, orderId, 'refund', -490)
  await happened(day, orderId, 'payment-refunded')
}

async function book(day: Day, orderId: string, what: string, amount: number): Promise<void> {
  await day.pools['ledger']?.query(
    `insert into bookings (booking, what, account, amount, order_id)
     values (gen_random_uuid(), $1, 'card-receivables', $2, $3), (gen_random_uuid(), $1, 'sales', -$2::int, $3)`,
    [what, amount, orderId],
  )
}

/** Sent, appended, and in the inbox of every service that reads its channel. */
async function message(day: Day, sender: string, channel: string, type: string, orderId: string): Promise<void> {
  const id = randomUUID()
  const source = `/shop/${sender}`
  const attributes = JSON.stringify({ specversion: '1.0', id, source, type, partitionkey: orderId })
  await day.pools[sender]?.query(
    `insert into spandrel.sent (id, channel, source, message_id, type, attributes)
     select coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5 from spandrel.sent`,
    [channel, source, id, type, attributes],
  )
  const appended = await day.pools['stream']?.query<{ offset: string }>(
    `with h as (
       update spandrel_stream.heads set head = head + 1
       where channel = (select id from spandrel_stream.channels where address = $1) returning channel, head
     ) insert into spandrel_stream.log (channel, partition, "offset", attributes, data)
       select channel, 0, head, $2, '{}' from h returning "offset"`,
    [channel, attributes],
  )
  const offset = appended?.rows[0]?.offset
  for (const [service, read] of SUBSCRIPTIONS) {
    if (read !== channel) continue
    const subscription = `${service}:${channel}`
    await day.pools[service]?.query(
      `insert into spandrel.inbox (subscription, source, message_id, type, outcome, partition, "offset", epoch, partitionkey, expires_at)
       values ($1, $2, $3, $4, 'handled', 0, $5, 1, $6, now() + interval '1 day')`,
      [subscription, source, id, type, offset, orderId],
    )
    await day.pools[service]?.query('update spandrel.partitions set position = $2 where subscription = $1', [
      subscription,
      offset,
    ])
  }
}
