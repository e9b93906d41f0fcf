import type { PgTransaction } from '@spandrel/runtime/pg'

export interface Movement {
  orderId: string
  sku: string
  /** what is on the shelf changes by this */
  quantity: number
  what: 'reserved' | 'refused' | 'released'
}

/**
 * How many are on the shelf. The product's row stays locked until the transaction ends: whoever asks next sees what
 * this transaction did. Lock first, count in a statement of its own: the count's snapshot must be younger than the lock.
 */
export async function onTheShelf(tx: PgTransaction, sku: string): Promise<number> {
  await tx.query('select 1 from products where sku = $1 for update', [sku])
  const { rows } = await tx.query<{ left: string }>(
    'select coalesce(sum(quantity), 0) as left from stock_movements where sku = $1',
    [sku],
  )
  return Number(rows[0]?.left ?? 0)
}

export async function move(tx: PgTransaction, { orderId, sku, quantity, what }: Movement): Promise<void> {
  await tx.query('insert into stock_movements (sku, quantity, what, order_id) values ($1, $2, $3, $4)', [
    sku,
    quantity,
    what,
    orderId,
  ])
}

export async function findReservation(tx: PgTransaction, orderId: string): Promise<{ sku: string; quantity: number }> {
  const { rows } = await tx.query<{ sku: string; quantity: number }>(
    "select sku, -quantity as quantity from stock_movements where order_id = $1 and what = 'reserved'",
    [orderId],
  )
  if (rows[0] === undefined) throw new Error(`nothing is reserved for order ${orderId}`)
  return rows[0]
}

export interface Delivery {
  note: string
  sku: string
  quantity: number
}

/** Puts it on the shelf; how many are there then. Undefined: there is no such product. */
export async function deliver(tx: PgTransaction, { note, sku, quantity }: Delivery): Promise<number | undefined> {
  const { rows } = await tx.query('select 1 from products where sku = $1', [sku])
  if (rows.length === 0) return undefined
  await tx.query("insert into stock_movements (sku, quantity, what, note) values ($1, $2, 'delivered', $3)", [
    sku,
    quantity,
    note,
  ])
  return await onTheShelf(tx, sku)
}

export async function listDeliveries(tx: PgTransaction, note: string) {
  const { rows } = await tx.query<{ sku: string; quantity: number }>(
    "select sku, quantity from stock_movements where note = $1 and what = 'delivered' order by seq",
    [note],
  )
  return { deliveries: rows, total: rows.length }
}
