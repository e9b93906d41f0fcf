import { createService, external, type ReceiveContext, runUntilSignal } from '@spandrel/runtime'
import { pgDatabase, type PgTransaction } from '@spandrel/runtime/pg'
import pg from 'pg'
import { payments, type PaymentsTypes } from './payments.contract.ts'
import { findCapture, findPrice, record } from './payment.ts'

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'payments',
  max: 10,
  pipeline: true,
})

type Context = ReceiveContext<PaymentsTypes, PgTransaction>

const service = createService(payments, {
  database: pgDatabase(pool),
  handlers: {
    async quotePrice({ query: { sku, quantity } }, { tx }) {
      const price = await findPrice(tx, sku)
      if (price === undefined) {
        return { status: 404, body: { type: 'about:blank', title: `there is no product ${sku}`, status: 404 } }
      }
      return { status: 200, body: { sku, quantity, total: price.unit_price * quantity, currency: price.currency } }
    },

    capturePayment: external({
      // Outside any transaction, at least once. `call` passes the message's key on, so the card is charged once.
      act: ({ data: order }, { call }) =>
        call('cardnet.createCharge', {
          body: { token: order.cardToken, amount: order.total, currency: order.currency, reference: order.reference },
        }),
      async handle({ data: order, result: answer }, { tx, send }: Context) {
        const { orderId, reference, total, currency, postcode } = order
        if (answer.status === 402) {
          await record(tx, { orderId, what: 'declined', amount: total, currency })
          send('paymentDeclined', { orderId, reason: answer.body.reason })
          return
        }
        const chargeId = answer.body.id
        await record(tx, { orderId, what: 'captured', amount: total, currency, chargeId })
        send('paymentCaptured', { orderId, reference, total, currency, postcode, chargeId })
      },
    }),

    returnPayment: external({
      async act({ data: { orderId } }, { call }) {
        const capture = await findCapture(pool, orderId)
        const answer = await call('cardnet.createRefund', {
          body: { charge: capture.charge_id, amount: capture.amount },
        })
        return { capture, refund: answer.body }
      },
      async handle({ data: { orderId }, result: { capture } }, { tx, send }: Context) {
        const { amount, currency, charge_id: chargeId } = capture
        await record(tx, { orderId, what: 'refunded', amount, currency, chargeId })
        send('paymentRefunded', { orderId, chargeId, amount, currency })
      },
    }),
  },
})

await service.listen({ port: Number(process.env['PORT'] ?? 7002) })
await runUntilSignal(service)
await pool.end()
