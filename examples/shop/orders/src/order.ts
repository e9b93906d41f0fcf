import type { Transaction } from 'kysely'
import type { OrdersDatabase, What } from './database.ts'

type Tx = Transaction<OrdersDatabase>

export interface NewOrder {
  orderId: string
  reference: string
  sku: string
  quantity: number
  total: number
  currency: string
}

export async function insertOrder(tx: Tx, order: NewOrder): Promise<void> {
  const { orderId, ...rest } = order
  await tx
    .insertInto('orders')
    .values({ order_id: orderId, ...rest })
    .execute()
  await record(tx, orderId, 'placed')
}

/** One more line of an order's history; nothing is ever changed. */
export async function record(tx: Tx, orderId: string, what: What, detail?: string): Promise<void> {
  await tx
    .insertInto('order_history')
    .values({ order_id: orderId, what, detail: detail ?? null })
    .execute()
}

export async function findOrder(tx: Tx, orderId: string) {
  const order = await tx.selectFrom('orders').selectAll().where('order_id', '=', orderId).executeTakeFirst()
  if (order === undefined) return undefined
  const history = await tx
    .selectFrom('order_history')
    .selectAll()
    .where('order_id', '=', orderId)
    .orderBy('seq')
    .execute()
  const rejected = history.find(({ what }) => what === 'rejected')
  const completed = history.some(({ what }) => what === 'completed')
  const booked = history.find(({ what }) => what === 'booked')
  return {
    orderId,
    reference: order.reference,
    status: completed ? ('completed' as const) : rejected ? ('rejected' as const) : ('open' as const),
    ...(rejected?.detail && { reason: rejected.detail }),
    ...(booked?.detail && { trackingCode: booked.detail }),
    history: history.map(({ what, at }) => ({ what, at: at.toISOString() })),
  }
}

/** A purchase has one order; whoever sees two has found a fault. */
export async function listOrders(tx: Tx, reference: string) {
  const rows = await tx
    .selectFrom('orders')
    .select(['order_id', 'placed_at'])
    .where('reference', '=', reference)
    .orderBy('placed_at')
    .execute()
  return {
    orders: rows.slice(0, 100).map((row) => ({ orderId: row.order_id, placedAt: row.placed_at.toISOString() })),
    total: rows.length,
  }
}

/** Throws for a code that is none: whoever booked must look at it, and the order waits until somebody did. */
export function readTrackingCode(code: string): string {
  const [carrier, number] = code.split(':')
  if (!carrier || !/^[0-9]{10}$/.test(number ?? ''))
    throw new Error(`the tracking code “${code}” is not carrier:number`)
  return code
}
