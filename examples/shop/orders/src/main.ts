import { randomUUID } from 'node:crypto'
import { createService, type HandleContext, operation, runUntilSignal } from '@spandrel/runtime'
import { kyselyDatabase } from '@spandrel/runtime/kysely'
import { orders, type OrdersTypes } from './orders.contract.ts'
import type { Transaction } from 'kysely'
import { db, type OrdersDatabase, pool } from './database.ts'
import { findOrder, insertOrder, listOrders, readTrackingCode, record } from './order.ts'

type Context = HandleContext<OrdersTypes, Transaction<OrdersDatabase>>

const service = createService(orders, {
  database: kyselyDatabase(db, { pool }),
  // Prices are back within a second when their service goes; shoppers need not wait longer than that.
  calls: { breaker: { coolDownMs: 200, maxCoolDownMs: 1000 } },
  handlers: {
    placeOrder: operation({
      // Ahead of the transaction: nothing is called inside one.
      before: ({ body: { sku, quantity } }, { call }) => call('payments.quotePrice', { query: { sku, quantity } }),
      async handle({ body, prepared: quote }, { tx, send }: Context) {
        if (quote.status === 404) {
          return { status: 404, body: { type: 'about:blank', title: `there is no product ${body.sku}`, status: 404 } }
        }
        const { total, currency } = quote.body
        const orderId = randomUUID()
        const { reference, sku, quantity } = body
        await insertOrder(tx, { orderId, reference, sku, quantity, total, currency })
        send('orderPlaced', { orderId, ...body, total, currency })
        return {
          status: 202,
          headers: { location: `/orders/${orderId}`, 'retry-after': '1' },
          body: { orderId, total, currency },
        }
      },
    }),

    async listOrders({ query: { reference } }, { tx }) {
      return { status: 200, body: await listOrders(tx, reference) }
    },

    async getOrder({ params: { orderId } }, { tx }) {
      const order = await findOrder(tx, orderId)
      if (order === undefined)
        return { status: 404, body: { type: 'about:blank', title: 'there is no such order', status: 404 } }
      return { status: 200, body: order }
    },

    // Nothing was reserved: nothing to undo.
    async rejectOutOfStock({ data: { orderId, reason } }, { tx }) {
      await record(tx, orderId, 'rejected', reason)
    },

    // The goods were reserved by then: they go back on the shelf.
    async rejectUnpaid({ data: { orderId, reason = 'the card was declined' } }, { tx, send }) {
      await record(tx, orderId, 'rejected', reason)
      send('releaseStock', { orderId, reason })
    },

    // Reserved and paid by then: both are undone.
    async undoOrder({ data: { orderId, reason = 'it cannot be delivered' } }, { tx, send }) {
      await record(tx, orderId, 'rejected', reason)
      send('refundPayment', { orderId, reason })
      send('releaseStock', { orderId, reason })
    },

    async noteShipmentBooked({ data: { orderId, trackingCode } }, { tx }) {
      await record(tx, orderId, 'booked', readTrackingCode(trackingCode))
    },

    async completeOrder({ data: { orderId } }, { tx }) {
      await record(tx, orderId, 'completed')
    },

    async noteStockReleased({ data: { orderId } }, { tx }) {
      await record(tx, orderId, 'stock-released')
    },

    async notePaymentRefunded({ data: { orderId } }, { tx }) {
      await record(tx, orderId, 'payment-refunded')
    },
  },
})

await service.listen({ port: Number(process.env['PORT'] ?? 7001) })
await runUntilSignal(service)
await pool.end()
