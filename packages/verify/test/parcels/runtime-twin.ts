/** The parcel service on the runtime: the correct twin of server.ts. */
import { createService, runUntilSignal } from '@spandrel/runtime'
import { pgDatabase } from '@spandrel/runtime/pg'
import pg from 'pg'
import { parcels } from './parcels.contract.ts'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10, pipeline: true })

const { bookParcel } = parcels.receives
const { deadLetter } = bookParcel.guarantees
const skipping: typeof parcels = {
  ...parcels,
  receives: {
    ...parcels.receives,
    bookParcel: {
      ...bookParcel,
      guarantees: {
        ...bookParcel.guarantees,
        ...(deadLetter !== 'none' && { deadLetter: { ...deadLetter, onPoison: 'skip' } }),
      },
    },
  },
}

const service = createService(process.env['ON_POISON'] === 'skip' ? skipping : parcels, {
  database: pgDatabase(pool),
  handlers: {
    async placeOrder({ body: { reference, sku } }, { tx, send }) {
      if (sku === 'gone') return { status: 404, body: undefined }
      await tx.query("insert into orders (kind, reference, status) values ('orders', $1, 'accepted')", [reference])
      send('orderPlaced', { reference })
      return { status: 202, headers: { Location: `/orders/${reference}` }, body: undefined }
    },
    async fulfilOrder({ data: { reference } }, { tx, send }) {
      await tx.query("insert into orders_done (kind, reference) values ('orders', $1)", [reference])
      send('orderCompleted', { reference })
    },
    async returnOrder({ body: { reference, sku } }, { tx }) {
      const status = sku === 'broken' ? 'rejected' : 'completed'
      await tx.query("insert into orders (kind, reference, status) values ('returns', $1, $2)", [reference, status])
      if (status === 'completed')
        await tx.query("insert into orders_done (kind, reference) values ('returns', $1)", [reference])
      return { status: 202, headers: { Location: `/returns/${reference}` }, body: undefined }
    },
    async getReturn({ params: { reference } }, { tx }) {
      const { rows } = await tx.query<{ status: string }>(
        "select status from orders where kind = 'returns' and reference = $1",
        [reference],
      )
      return { status: 200, body: { status: rows[0]?.status ?? 'unknown' } }
    },
    listOrders: async ({ query: { reference } }, { tx }) => ({
      status: 200,
      body: await total(tx, 'orders', reference),
    }),
    listReturns: async ({ query: { reference } }, { tx }) => ({
      status: 200,
      body: await total(tx, 'returns', reference),
    }),
    async listParcels({ query: { reference, orderId } }, { tx }) {
      const { rows } = await tx.query<{ reference: string }>(
        'select reference from parcels where ($1::text is null or reference = $1) and ($2::text is null or order_id = $2) order by id',
        [reference ?? null, orderId ?? null],
      )
      return { status: 200, body: { total: rows.length, references: rows.map((row) => row.reference) } }
    },
    async bookParcel({ data: { orderId, reference, weight } }, { tx, send }) {
      if (weight === 13) throw new Error('nobody carries that')
      await tx.query('insert into parcels (reference, order_id) values ($1, $2)', [reference, orderId])
      send('parcelBooked', { orderId, reference })
    },
  },
})

async function total(
  tx: { query: pg.Pool['query'] | ((text: string, values: unknown[]) => Promise<{ rows: unknown[] }>) },
  kind: string,
  reference: string,
): Promise<{ total: number }> {
  const ask = tx.query as (text: string, values: unknown[]) => Promise<{ rows: { total: number }[] }>
  const { rows } = await ask('select count(*)::int as total from orders_done where kind = $1 and reference = $2', [
    kind,
    reference,
  ])
  return { total: rows[0]?.total ?? 0 }
}

// Whoever started it is gone.
if (process.env['ENDS_WITH'] === 'stdin') process.stdin.resume().once('end', () => process.exit())
await service.listen({ port: Number(process.env['PORT']) })
await runUntilSignal(service)
await pool.end()
