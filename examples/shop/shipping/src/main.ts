import { createService, runUntilSignal } from '@spandrel/runtime'
import { kyselyDatabase } from '@spandrel/runtime/kysely'
import { shipping } from './shipping.contract.ts'
import { bookCarrier } from './carriers.ts'
import { db, pool } from './database.ts'

const service = createService(shipping, {
  database: kyselyDatabase(db, { pool }),
  handlers: {
    async bookShipment({ data: { orderId, postcode } }, { tx, send }) {
      const trackingCode = bookCarrier(postcode)
      if (trackingCode === undefined) {
        await tx.insertInto('shipments').values({ order_id: orderId, what: 'refused', tracking_code: null }).execute()
        send('shipmentFailed', { orderId, reason: `nobody delivers to ${postcode}` })
        return
      }
      await tx
        .insertInto('shipments')
        .values({ order_id: orderId, what: 'booked', tracking_code: trackingCode })
        .execute()
      // Two messages about one order: they arrive in this order, wherever they are read and whatever happens between.
      send('shipmentBooked', { orderId, trackingCode })
      send('shipmentDispatched', { orderId })
    },
  },
})

await service.listen({ port: Number(process.env['PORT'] ?? 7004) })
await runUntilSignal(service)
await pool.end()
