import { createService, runUntilSignal } from '@spandrel/runtime'
import { pgDatabase } from '@spandrel/runtime/pg'
import pg from 'pg'
import { inventory } from './inventory.contract.ts'
import { deliver, findReservation, listDeliveries, move, onTheShelf } from './stock.ts'

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'inventory',
  max: 10,
  pipeline: true,
})

const service = createService(inventory, {
  database: pgDatabase(pool),
  handlers: {
    async receiveDelivery({ body }, { tx }) {
      const left = await deliver(tx, body)
      if (left === undefined) {
        return { status: 404, body: { type: 'about:blank', title: `there is no product ${body.sku}`, status: 404 } }
      }
      return { status: 201, body: { sku: body.sku, left } }
    },

    async listDeliveries({ query: { note } }, { tx }) {
      return { status: 200, body: await listDeliveries(tx, note) }
    },

    async reserveStock({ data: order }, { tx, send }) {
      const { orderId, sku, quantity } = order
      if ((await onTheShelf(tx, sku)) < quantity) {
        await move(tx, { orderId, sku, quantity: 0, what: 'refused' })
        send('stockRejected', { orderId, reason: `${sku} is out of stock` })
        return
      }
      await move(tx, { orderId, sku, quantity: -quantity, what: 'reserved' })
      send('stockReserved', order)
    },

    async putStockBack({ data: { orderId } }, { tx, send }) {
      const reserved = await findReservation(tx, orderId)
      await move(tx, { orderId, sku: reserved.sku, quantity: reserved.quantity, what: 'released' })
      send('stockReleased', { orderId })
    },
  },
})

await service.listen({ port: Number(process.env['PORT'] ?? 7003) })
await runUntilSignal(service)
await pool.end()
