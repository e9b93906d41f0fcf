import type { PgQueryable, PgTransaction } from '@spandrel/runtime/pg'

export interface Payment {
  orderId: string
  what: 'captured' | 'declined' | 'refunded'
  /** cents */
  amount: number
  currency: string
  chargeId?: string
}

export async function record(tx: PgTransaction, { orderId, what, amount, currency, chargeId }: Payment): Promise<void> {
  await tx.query('insert into payments (order_id, what, amount, currency, charge_id) values ($1, $2, $3, $4, $5)', [
    orderId,
    what,
    amount,
    currency,
    chargeId ?? null,
  ])
}

export interface Capture {
  amount: number
  currency: string
  charge_id: string
}

export async function findCapture(db: PgQueryable, orderId: string): Promise<Capture> {
  const { rows } = await db.query({
    text: "select amount, currency, charge_id from payments where order_id = $1 and what = 'captured'",
    values: [orderId],
  })
  if (rows[0] === undefined) throw new Error(`no payment was captured for order ${orderId}`)
  return rows[0] as unknown as Capture
}

export async function findPrice(
  tx: PgTransaction,
  sku: string,
): Promise<{ unit_price: number; currency: string } | undefined> {
  const { rows } = await tx.query<{ unit_price: number; currency: string }>(
    'select unit_price, currency from prices where sku = $1',
    [sku],
  )
  return rows[0]
}
