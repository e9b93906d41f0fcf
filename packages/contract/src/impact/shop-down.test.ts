/** What becomes of each operation of the shop while one of its services does not run: which fail, degrade and wait, and why. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadSystem } from '../load/load-system.ts'
import { impactOfDown } from './down.ts'

const file = fileURLToPath(new URL('../../../../examples/shop/spandrel.yaml', import.meta.url))

/**
 * By hand from the contracts: an order goes orders → inventory → payments → shipping, and the ledger hears of payments.
 * Who comes before the service that is down goes on. Who comes after it waits; what is undone after a failure may.
 */
const expected = {
  orders: `
    fails  orders.listOrders  nobody answers
    fails  orders.placeOrder  nobody answers
    fails  orders.getOrder  nobody answers
    waits  orders.announceOrder  nothing is sent
    waits  orders.askToReleaseStock  nothing is sent
    waits  orders.askToRefundPayment  nothing is sent
    waits  orders.rejectOutOfStock  messages stay in \`shop.inventory\` until it is back
    waits  orders.noteStockReleased  messages stay in \`shop.inventory\` until it is back
    waits  orders.rejectUnpaid  messages stay in \`shop.payments\` until it is back
    waits  orders.notePaymentRefunded  messages stay in \`shop.payments\` until it is back
    waits  orders.noteShipmentBooked  messages stay in \`shop.shipping\` until it is back
    waits  orders.completeOrder  messages stay in \`shop.shipping\` until it is back
    waits  orders.undoOrder  messages stay in \`shop.shipping\` until it is back
    waits  payments.capturePayment  \`inventory.stockReserved\` comes when \`orders\` is back
    waits  payments.returnPayment  \`orders.refundPayment\` comes when \`orders\` is back
    waits  inventory.reserveStock  \`orders.orderPlaced\` comes when \`orders\` is back
    waits  inventory.putStockBack  \`orders.releaseStock\` comes when \`orders\` is back
    waits  shipping.bookShipment  \`payments.paymentCaptured\` comes when \`orders\` is back
    waits  ledger.bookCapture  \`payments.paymentCaptured\` comes when \`orders\` is back
    waits  ledger.bookRefund  \`payments.paymentRefunded\` comes when \`orders\` is back
`,
  payments: `
    fails  orders.placeOrder  it waits for the answer, and declares no fallback
    fails  payments.quotePrice  nobody answers
    waits  orders.askToRefundPayment  it is accepted, and its outcome comes late (promised within 15 min)
    waits  orders.rejectUnpaid  \`payments.paymentDeclined\` comes when \`payments\` is back
    waits  orders.notePaymentRefunded  \`payments.paymentRefunded\` comes when \`payments\` is back
    waits  orders.noteShipmentBooked  \`shipping.shipmentBooked\` comes when \`payments\` is back
    waits  orders.completeOrder  \`shipping.shipmentDispatched\` comes when \`payments\` is back
    waits  orders.undoOrder  \`shipping.shipmentFailed\` comes when \`payments\` is back
    waits  payments.announcePayment  nothing is sent
    waits  payments.capturePayment  messages stay in \`shop.inventory\` until it is back
    waits  payments.returnPayment  messages stay in \`shop.payments.requests\` until it is back
    waits  shipping.bookShipment  \`payments.paymentCaptured\` comes when \`payments\` is back
    waits  ledger.bookCapture  \`payments.paymentCaptured\` comes when \`payments\` is back
    waits  ledger.bookRefund  \`payments.paymentRefunded\` comes when \`payments\` is back
    may waits  orders.noteStockReleased  \`inventory.stockReleased\` comes when \`payments\` is back
    may waits  inventory.putStockBack  \`orders.releaseStock\` comes when \`payments\` is back
`,
  inventory: `
    fails  inventory.listDeliveries  nobody answers
    fails  inventory.receiveDelivery  nobody answers
    waits  orders.askToReleaseStock  it is accepted, and its outcome comes late (promised within 15 min)
    waits  orders.rejectOutOfStock  \`inventory.stockRejected\` comes when \`inventory\` is back
    waits  orders.noteStockReleased  \`inventory.stockReleased\` comes when \`inventory\` is back
    waits  orders.rejectUnpaid  \`payments.paymentDeclined\` comes when \`inventory\` is back
    waits  orders.noteShipmentBooked  \`shipping.shipmentBooked\` comes when \`inventory\` is back
    waits  orders.completeOrder  \`shipping.shipmentDispatched\` comes when \`inventory\` is back
    waits  orders.undoOrder  \`shipping.shipmentFailed\` comes when \`inventory\` is back
    waits  payments.capturePayment  \`inventory.stockReserved\` comes when \`inventory\` is back
    waits  inventory.announceStock  nothing is sent
    waits  inventory.reserveStock  messages stay in \`shop.orders\` until it is back
    waits  inventory.putStockBack  messages stay in \`shop.inventory.requests\` until it is back
    waits  shipping.bookShipment  \`payments.paymentCaptured\` comes when \`inventory\` is back
    waits  ledger.bookCapture  \`payments.paymentCaptured\` comes when \`inventory\` is back
    may waits  orders.placeOrder  it is accepted, and its outcome comes late (promised within 15 min)
    may waits  orders.notePaymentRefunded  \`payments.paymentRefunded\` comes when \`inventory\` is back
    may waits  payments.returnPayment  \`orders.refundPayment\` comes when \`inventory\` is back
    may waits  ledger.bookRefund  \`payments.paymentRefunded\` comes when \`inventory\` is back
`,
  shipping: `
    waits  orders.noteShipmentBooked  \`shipping.shipmentBooked\` comes when \`shipping\` is back
    waits  orders.completeOrder  \`shipping.shipmentDispatched\` comes when \`shipping\` is back
    waits  orders.undoOrder  \`shipping.shipmentFailed\` comes when \`shipping\` is back
    waits  shipping.announceShipment  nothing is sent
    waits  shipping.bookShipment  messages stay in \`shop.payments\` until it is back
    may waits  orders.placeOrder  it is accepted, and its outcome comes late (promised within 15 min)
    may waits  orders.noteStockReleased  \`inventory.stockReleased\` comes when \`shipping\` is back
    may waits  orders.notePaymentRefunded  \`payments.paymentRefunded\` comes when \`shipping\` is back
    may waits  payments.returnPayment  \`orders.refundPayment\` comes when \`shipping\` is back
    may waits  inventory.putStockBack  \`orders.releaseStock\` comes when \`shipping\` is back
    may waits  ledger.bookRefund  \`payments.paymentRefunded\` comes when \`shipping\` is back
`,
  ledger: `
    waits  ledger.bookCapture  messages stay in \`shop.payments\` until it is back
    waits  ledger.bookRefund  messages stay in \`shop.payments\` until it is back
`,
}

test.each(Object.entries(expected))('%s', async (service, told) => {
  const { system } = await loadSystem(file, { env: {} })
  if (system === undefined) throw new Error('the shop cannot be read')
  const { effects = [] } = impactOfDown(service, system)
  const lines = effects.map(
    ({ outcome, possible, operation, because }) => `${possible ? 'may ' : ''}${outcome}  ${operation}  ${because}`,
  )
  expect(lines).toEqual(
    told
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  )
})
