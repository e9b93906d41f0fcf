import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { loadSystem } from '../load/load-system.ts'
import type { System } from '../model/system.ts'
import type { Impact } from './impact.ts'
import { impactOf } from './impact.ts'

const file = fileURLToPath(new URL('../../../../examples/shop/spandrel.yaml', import.meta.url))
let shop: System

beforeAll(async () => {
  const { system, findings } = await loadSystem(file, { env: {} })
  if (system === undefined) throw new Error(JSON.stringify(findings))
  shop = system
})

function impact(ref: string): Impact {
  const found = impactOf(ref, shop)
  if (found.subjects === undefined) throw new Error(found.hint)
  return found
}

const services = (ref: string): string[] => [...new Set(impact(ref).dependents.map(({ service }) => service))].sort()

test('a call: who makes it, and why', () => {
  const { dependents, subjects, looked } = impact('payments.quotePrice')
  expect(subjects).toEqual([{ kind: 'operation', ref: 'payments.quotePrice', owner: 'team-payments' }])
  expect(dependents).toMatchObject([
    {
      service: 'orders',
      owner: 'team-orders',
      relation: 'calls',
      style: 'rpc',
      reason: 'the shopper waits for the price',
    },
  ])
  expect(looked.integrations).toBeGreaterThan(10)
})

test('who calls a dependent waits behind it', () => {
  expect(impact('cardnet.createCharge').behind).toEqual([
    { service: 'orders', owner: 'team-orders', path: ['orders', 'payments'] },
  ])
})

test('a message by its name alone, by its service, and by its channel: the same receivers', () => {
  const receivers = services('orders.orderPlaced')
  expect(receivers.length).toBeGreaterThan(0)
  expect(services('orderPlaced')).toEqual(receivers)
  expect(services('announceOrder')).toEqual(receivers)
  expect(services('shop.orders')).toEqual(receivers)
})

test('a service: everybody who relies on anything it offers, and not itself', () => {
  expect(services('payments')).toContain('orders')
  expect(services('payments')).not.toContain('payments')
  expect(services('orders').length).toBeGreaterThanOrEqual(services('orders.orderPlaced').length)
})

test('promises that refer to it are named', () => {
  expect(impact('inventory.stockReleased').mentions).toMatchObject([
    { by: 'orders.askToReleaseStock', member: 'completion', ref: 'inventory.stockReleased' },
  ])
})

test('what does not exist: the nearest that does', () => {
  expect(impactOf('payments.quotePirce', shop)).toEqual({ hint: 'did you mean `quotePrice`?' })
  expect(impactOf('ordres', shop)).toEqual({ hint: 'did you mean `orders`?' })
})
