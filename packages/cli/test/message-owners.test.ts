/** The owners that a new field of each message would involve, for a few messages and for hundreds. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ownersInFull, ownersInShort } from '../src/output/message-owners.ts'
import { spandrel } from './spandrel.ts'

const shop = fileURLToPath(new URL('../../../examples/shop', import.meta.url))

test('a line for each set of owners, the largest first, above the last line', async () => {
  const { code, stdout } = await spandrel(['check'], { cwd: shop })
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    'owners that a new field would involve',
    '  3  team-finance, team-logistics, team-payments: payments.paymentCaptured',
    '  3  team-finance, team-orders, team-payments: payments.paymentRefunded',
    '  2  team-orders, team-warehouse: orders.orderPlaced, orders.releaseStock, inventory.stockRejected, inventory.stockReleased',
    '  2  team-logistics, team-orders: shipping.shipmentBooked, shipping.shipmentDispatched, shipping.shipmentFailed',
    '  2  team-orders, team-payments: orders.refundPayment, payments.paymentDeclined',
    '  2  team-payments, team-warehouse: inventory.stockReserved',
    '',
    expect.stringMatching(/^no faults in 6 services/),
    '',
  ])
})

test('only people are told: other formats stay what they are', async () => {
  for (const format of ['sarif', 'json']) {
    const { stdout } = await spandrel(['check', '--owners', '--format', format], { cwd: shop })
    expect(() => JSON.parse(stdout) as unknown).not.toThrow()
  }
})

test('hundreds of messages are a dozen lines, and all are counted', () => {
  const messages = Array.from({ length: 300 }, (_, index) => ({
    message: `s${index % 30}.m${index}`,
    owners: [`team-${index % 30}`, ...(index % 2 === 0 ? ['team-x'] : []), ...(index % 30 === 0 ? ['team-y'] : [])],
  }))
  const lines = ownersInShort(messages)
  expect(lines).toHaveLength(15)
  expect(lines[1]).toBe('  3  team-0, team-x, team-y: s0.m0, s0.m30, s0.m60, s0.m90, s0.m120, s0.m150 and 4 more')
  expect(lines.at(-2)).toBe('  180 more messages of 2 owners at most: --owners lists all')
  expect(ownersInFull(messages)).toHaveLength(302)
  expect(ownersInShort([])).toEqual([])
})
