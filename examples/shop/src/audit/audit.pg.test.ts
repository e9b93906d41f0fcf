import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../../../test/postgres.ts'
import { audit, type LawNumber, LAWS, type Verdict } from './audit.ts'
import { type Day, goodDay, type GoodOrders, migrateDay, moved, shopped } from './good-day.ts'

const SERVICES = ['orders', 'inventory', 'payments', 'shipping', 'ledger']
const folder = mkdtempSync(join(tmpdir(), 'shop-audit-'))
const databases: Record<string, TestDatabase> = {}
let judge: TestDatabase
let day: Day
let orders: GoodOrders

beforeAll(async () => {
  judge = await testDatabase({ max: 1 })
  for (const name of [...SERVICES, 'stream']) databases[name] = await testDatabase({ max: 2 })
  for (const service of SERVICES) {
    await databases[service]?.pool.query(readFileSync(new URL(`../../${service}/schema.sql`, import.meta.url), 'utf8'))
  }
  day = {
    pools: Object.fromEntries(Object.entries(databases).map(([name, { pool }]) => [name, pool])),
    shopperLog: join(folder, 'shopper.jsonl'),
    cardnetCharges: join(folder, 'charges.jsonl'),
  }
  await migrateDay(day)
})
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(async () => {
  orders = await goodDay(day)
})

function run(): Promise<Verdict> {
  return audit(
    {
      services: Object.fromEntries(SERVICES.map((service) => [service, databases[service]?.url ?? ''])),
      stream: databases['stream']?.url ?? '',
      shopperLog: day.shopperLog,
      cardnetCharges: day.cardnetCharges,
    },
    judge.url,
  )
}

function broken(verdict: Verdict): number[] {
  return Object.entries(verdict.laws)
    .filter(([, ruling]) => ruling !== 'kept')
    .map(([title]) => Number.parseInt(title, 10))
}

async function sql(service: string, text: string, values: unknown[] = []): Promise<number> {
  const result = await day.pools[service]?.query(text, values)
  return result?.rowCount ?? 0
}

it('finds nothing on a good day, and counts it', async () => {
  const verdict = await run()
  expect(verdict.findings).toEqual([])
  expect(verdict).toMatchObject({
    placed: 3,
    completed: 1,
    rejected: 2,
    open: 0,
    lost: 0,
    doubled: 0,
    chargedTwice: 0,
    ledgerDifference: 0,
  })
  expect(Object.keys(verdict.laws)).toEqual(Object.values(LAWS))
  expect(broken(verdict)).toEqual([])
})

interface Breakage {
  name: string
  /** what is done to the good day; returns how many rows it touched, so that a break that broke nothing fails */
  breaks: () => Promise<number>
  law: LawNumber
  says: string | RegExp
  numbers?: Partial<Verdict>
}

const ofOrder = (type: string, order: keyof GoodOrders): [string, string[]] => [
  "type = $1 and attributes::jsonb ->> 'partitionkey' = $2",
  [type, orders[order]],
]

const breakages: Breakage[] = [
  {
    name: 'a message that never left for the outbox (published after the commit)',
    async breaks() {
      const [where, values] = ofOrder('orderPlaced', 'declined')
      await sql('orders', `delete from spandrel.sent where ${where}`, values)
      await sql(
        'stream',
        "delete from spandrel_stream.log where attributes::jsonb ->> 'type' = $1 and attributes::jsonb ->> 'partitionkey' = $2",
        values,
      )
      await sql('inventory', 'delete from spandrel.inbox where type = $1 and partitionkey = $2', values)
      return sql('inventory', 'delete from stock_movements where order_id = $1', [orders.declined])
    },
    law: 4,
    says: /orderPlaced was never in the outbox of orders/,
  },
  {
    name: 'a row deleted before the stream had it',
    async breaks() {
      const values = ['paymentCaptured', orders.completed]
      await sql(
        'stream',
        "delete from spandrel_stream.log where attributes::jsonb ->> 'type' = $1 and attributes::jsonb ->> 'partitionkey' = $2",
        values,
      )
      await sql('shipping', 'delete from spandrel.inbox where type = $1 and partitionkey = $2', values)
      return sql('shipping', 'delete from shipments where order_id = $1', [orders.completed])
    },
    law: 2,
    says: /paymentCaptured left the outbox of payments and never came to the stream/,
  },
  {
    name: 'a message settled before its effect was committed',
    async breaks() {
      await sql('shipping', 'delete from spandrel.inbox where type = $1 and partitionkey = $2', [
        'paymentCaptured',
        orders.completed,
      ])
      return sql('shipping', 'delete from shipments where order_id = $1', [orders.completed])
    },
    law: 3,
    says: /paymentCaptured was settled and never handled/,
  },
  {
    name: 'a claim that was never done and suppressed all the same',
    async breaks() {
      await sql('payments', 'delete from payments where order_id = $1', [orders.completed])
      await sql('payments', 'delete from spandrel.inbox where partitionkey = $1', [orders.completed])
      return sql(
        'payments',
        "insert into spandrel.keys (operation, scope, key, fingerprint, state) values ('capturePayment', 'global', $1, '', 'claimed')",
        [orders.completed],
      )
    },
    law: 4,
    says: /stockReserved was suppressed by a key that is not done/,
  },
  {
    name: 'an effect that is gone though its message counts as handled',
    breaks: () =>
      sql('inventory', "delete from stock_movements where order_id = $1 and what = 'released'", [orders.declined]),
    law: 4,
    says: /releaseStock counts as handled/,
  },
  {
    name: 'an order that was promised and does not exist',
    async breaks() {
      shopped(day, { what: 'asked', key: 'key-x', reference: 'web-x' })
      shopped(day, {
        what: 'told',
        key: 'key-x',
        reference: 'web-x',
        status: 202,
        orderId: '00000000-0000-4000-8000-000000000001',
      })
      return 1
    },
    law: 4,
    says: /told 202 for order 00000000-0000-4000-8000-000000000001, which does not exist/,
    numbers: { lost: 1 },
  },
  {
    name: 'two orders for one key, asked for one after the other',
    breaks: () =>
      sql(
        'orders',
        "insert into orders select gen_random_uuid(), reference, sku, quantity, total, currency from orders where reference = 'web-1'",
      ),
    law: 4,
    says: /2 orders for one key/,
  },
  {
    name: 'two orders for one key, asked for at once',
    breaks() {
      shopped(day, { what: 'asked', key: 'key-web-1', reference: 'web-1', copy: 1 })
      return sql(
        'orders',
        "insert into orders select gen_random_uuid(), reference, sku, quantity, total, currency from orders where reference = 'web-1'",
      )
    },
    law: 5,
    says: /2 orders for one key/,
  },
  {
    name: 'an unanswered purchase that became two orders',
    breaks() {
      shopped(day, { what: 'asked', key: 'key-y', reference: 'web-y' })
      shopped(day, { what: 'unanswered', key: 'key-y', reference: 'web-y', why: 'hung up' })
      return sql(
        'orders',
        "insert into orders select gen_random_uuid(), 'web-y', 'tea', 1, 490, 'EUR' from generate_series(1, 2)",
      )
    },
    law: 4,
    says: /2 orders for one key/,
  },
  {
    name: 'one key told of two orders',
    async breaks() {
      shopped(day, { what: 'told', key: 'key-web-1', reference: 'web-1', status: 202, orderId: orders.declined })
      return 1
    },
    law: 4,
    says: /told of 2 different orders/,
  },
  {
    name: 'a key used for another basket, and accepted',
    breaks() {
      shopped(day, { what: 'asked', key: 'key-web-1', reference: 'web-1-other' })
      return sql('orders', "insert into orders select gen_random_uuid(), 'web-1-other', 'tea', 2, 980, 'EUR'")
    },
    law: 6,
    says: /one key, two baskets, 2 orders/,
  },
  {
    name: 'a purchase that was refused and ordered',
    breaks() {
      shopped(day, { what: 'asked', key: 'key-z', reference: 'web-z' })
      shopped(day, { what: 'told', key: 'key-z', reference: 'web-z', status: 404 })
      return sql('orders', "insert into orders select gen_random_uuid(), 'web-z', 'tea', 2, 980, 'EUR'")
    },
    law: 4,
    says: /told 404, and ordered all the same/,
  },
  {
    name: 'a card charged twice',
    async breaks() {
      moved(day, { what: 'charge', id: 'ch_again', amount: 490, reference: 'web-1' })
      return 1
    },
    law: 4,
    says: /charged 2 times at cardnet/,
    numbers: { doubled: 1, chargedTwice: 1, ledgerDifference: 490 },
  },
  {
    name: 'a refund given twice',
    async breaks() {
      moved(day, {
        what: 'refund',
        id: 're_again',
        charge: `ch_${orders.undelivered}`,
        amount: 490,
        reference: 'web-3',
      })
      return 1
    },
    law: 4,
    says: /refunded 2 times at cardnet/,
    numbers: { ledgerDifference: -490 },
  },
  {
    name: 'a message handled twice',
    breaks: () => sql('shipping', "insert into shipments (order_id, what) values ($1, 'booked')", [orders.completed]),
    law: 4,
    says: /shipment: booked, 2 times/,
  },
  {
    name: 'one message with both of two effects',
    breaks: () => sql('shipping', "insert into shipments (order_id, what) values ($1, 'refused')", [orders.completed]),
    law: 4,
    says: /both shipment: booked and shipment: refused|both shipment: refused and shipment: booked/,
  },
  {
    name: 'more reserved than there was',
    breaks: () => sql('inventory', "delete from stock_movements where what = 'delivered'"),
    law: 4,
    says: /more were reserved than there are/,
  },
  {
    name: 'an effect without a cause',
    breaks: () =>
      sql(
        'inventory',
        "insert into stock_movements (sku, quantity, what, order_id) values ('tea', 1, 'released', $1)",
        [orders.completed],
      ),
    law: 1,
    says: /stock: released, and nothing that leads to it/,
  },
  {
    name: 'an order nobody asked for',
    breaks: () => sql('orders', "insert into orders select gen_random_uuid(), 'nobody', 'tea', 2, 980, 'EUR'"),
    law: 1,
    says: /an order that nobody asked for/,
  },
  {
    name: 'a capture the card network knows nothing of',
    breaks: () => sql('payments', "update payments set charge_id = 'ch_none' where order_id = $1", [orders.completed]),
    law: 4,
    says: /no charge ch_none at cardnet/,
  },
  {
    name: 'an order completed before it was booked',
    async breaks() {
      await sql('orders', "delete from order_history where order_id = $1 and what = 'booked'", [orders.completed])
      return sql('orders', "insert into order_history (order_id, what) values ($1, 'booked')", [orders.completed])
    },
    law: 7,
    says: /completed before it was booked/,
  },
  {
    name: 'a refund booked before its capture',
    async breaks() {
      await sql('ledger', "delete from bookings where order_id = $1 and what = 'capture'", [orders.undelivered])
      return sql(
        'ledger',
        `insert into bookings (booking, what, account, amount, order_id)
         values (gen_random_uuid(), 'capture', 'card-receivables', 490, $1), (gen_random_uuid(), 'capture', 'sales', -490, $1)`,
        [orders.undelivered],
      )
    },
    law: 7,
    says: /the ledger booked the refund before the capture/,
  },
  {
    name: 'a dead letter nobody seeded',
    breaks: () => hold(orders.declined, 'stockReleased', true),
    law: 8,
    says: /stockReleased is dead at orders/,
  },
  {
    name: 'an outage that was counted as an attempt',
    breaks: () =>
      sql(
        'shipping',
        `insert into spandrel.journal (kind, subscription, source, message_id, why)
         select 'attempt-failed', subscription, source, message_id, 'fetch failed' from spandrel.inbox where partitionkey = $1`,
        [orders.completed],
      ),
    law: 8,
    says: /an attempt of paymentCaptured was counted by shipping:shop.payments: fetch failed/,
  },
  {
    name: 'a message still being tried',
    breaks: () => hold(orders.declined, 'stockReleased', false),
    law: 1,
    says: /stockReleased is retrying at orders/,
  },
  {
    name: 'a message held and in the inbox',
    breaks: () => hold(orders.declined, 'stockReleased', false),
    law: 9,
    says: /is held by orders:shop.inventory and in its inbox/,
  },
  {
    name: 'a message in no place at all',
    breaks: () => sql('ledger', "delete from spandrel.inbox where type = 'paymentDeclined'"),
    law: 9,
    says: /paymentDeclined was passed by ledger:shop.payments and is nowhere/,
  },
  {
    name: 'a message that has not come',
    breaks: () => sql('ledger', 'update spandrel.partitions set position = position - 1'),
    law: 1,
    says: /paymentRefunded has not come to ledger:shop.payments/,
  },
  {
    name: 'a message still in the outbox',
    breaks: () =>
      sql(
        'orders',
        "insert into spandrel.outbox (channel, attributes, data) select channel, attributes, '{}' from spandrel.sent limit 1",
      ),
    law: 1,
    says: /is still in the outbox of orders/,
  },
  {
    name: 'a copy nobody recorded',
    async breaks() {
      const copied = await sql(
        'stream',
        `insert into spandrel_stream.log (channel, partition, "offset", attributes, data)
         select channel, partition, 1000, attributes, data from spandrel_stream.log where attributes::jsonb ->> 'type' = 'shipmentBooked'`,
      )
      await sql('orders', "update spandrel.partitions set position = 1000 where subscription = 'orders:shop.shipping'")
      return copied
    },
    law: 10,
    says: /shipmentBooked came 2 times to orders:shop.shipping and 0 of them were recorded/,
  },
  {
    name: 'a discard without a name',
    breaks: () =>
      sql('orders', "insert into spandrel.journal (kind, message_id, why) values ('discard', 'm', 'no idea')"),
    law: 10,
    says: /discarded without a name or a reason/,
  },
]

function hold(orderId: string, type: string, dead: boolean): Promise<number> {
  return sql(
    'orders',
    `insert into spandrel.held (subscription, channel, partition, partitionkey, source, message_id, type, attributes, data, due_at, dead_at, reason)
     select subscription, 'shop.inventory', partition, partitionkey, source, message_id, type, '{}', '{}', now(), case when $3 then now() end, 'threw'
     from spandrel.inbox where partitionkey = $1 and type = $2`,
    [orderId, type, dead],
  )
}

describe('names the law that was broken', () => {
  it.each(breakages)('$law: $name', async ({ breaks, law, says, numbers = {} }) => {
    expect(await breaks()).toBeGreaterThan(0)
    const verdict = await run()
    const named = verdict.findings.filter((finding) => finding.law === law).map(({ what }) => what)
    expect(named).toContainEqual(expect.stringMatching(says))
    expect(verdict.laws[LAWS[law]]).toMatch(/^broken: /)
    expect(verdict).toMatchObject(numbers)
  })
})

it('lets seeded poison be held, and what waits behind it', async () => {
  shopped(day, { what: 'asked', key: 'key-web-1', reference: 'web-1', poison: true })
  expect(await hold(orders.completed, 'shipmentBooked', true)).toBe(1)
  expect(await hold(orders.completed, 'shipmentDispatched', false)).toBe(1)
  await sql('orders', "delete from order_history where order_id = $1 and what in ('booked', 'completed')", [
    orders.completed,
  ])
  await sql('orders', "delete from spandrel.inbox where type in ('shipmentBooked', 'shipmentDispatched')")
  const verdict = await run()
  expect(verdict.findings).toEqual([])
  expect(verdict.open).toBe(1)
  expect(verdict.held.map(({ type, state, seeded }) => ({ type, state, seeded }))).toEqual([
    { type: 'shipmentBooked', state: 'dead', seeded: true },
    { type: 'shipmentDispatched', state: 'waiting', seeded: true },
  ])
})

it('finds a message that overtook the poison before it', async () => {
  shopped(day, { what: 'asked', key: 'key-web-1', reference: 'web-1', poison: true })
  expect(await hold(orders.completed, 'shipmentBooked', true)).toBe(1)
  await sql('orders', "delete from order_history where order_id = $1 and what = 'booked'", [orders.completed])
  await sql('orders', "delete from spandrel.inbox where type = 'shipmentBooked'")
  const verdict = await run()
  expect(broken(verdict)).toEqual([7])
  expect(verdict.findings[0]?.what).toBe('completed while the booking is held')
})
