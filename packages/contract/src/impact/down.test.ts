import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadSystem, scoreSystem } from '../load/load-system.ts'
import type { System } from '../model/system.ts'
import type { DownEffect, DownImpact } from './down.ts'
import { impactOfDown } from './down.ts'

const root = fileURLToPath(new URL('../../../../examples/shop/', import.meta.url))
let shop: System
let folder: string

beforeAll(async () => {
  shop = await load(join(root, 'spandrel.yaml'))
  folder = await mkdtemp(join(tmpdir(), 'spandrel-down-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

async function load(file: string): Promise<System> {
  const { system, findings } = await loadSystem(file, { env: {} })
  if (system === undefined) throw new Error(JSON.stringify(findings))
  return system
}

function down(name: string, system = shop): DownImpact {
  const told = impactOfDown(name, system)
  if (told.effects === undefined) throw new Error(told.hint)
  return told
}

function effect(of: DownImpact, operation: string): DownEffect {
  const found = of.effects.find((one) => one.operation === operation)
  if (found === undefined) throw new Error(`${operation} is not among ${of.effects.map((one) => one.operation).join()}`)
  return found
}

const outcome = (of: DownImpact, operation: string): string => {
  const { outcome: what, possible } = effect(of, operation)
  return possible ? `may: ${what}` : what
}

test('a call in the way of a request fails with it, and says where the call is declared', () => {
  const found = effect(down('payments'), 'orders.placeOrder')
  expect(found).toMatchObject({ outcome: 'fails', possible: false, owner: 'team-orders' })
  expect(found.chain).toHaveLength(1)
  expect(found.chain[0]).toMatchObject({ relation: 'calls', to: 'payments.quotePrice', style: 'rpc' })
  const { file, line } = found.chain[0]!.location
  expect(`${relative(root, file)}:${line}`).toBe('orders/spandrel.yaml:12')
})

test('an outcome that is asked for is no call', () => {
  const asked = down('inventory').effects.find(({ operation }) => operation === 'orders.placeOrder')
  expect(asked?.chain[0]).toMatchObject({ relation: 'asks', to: 'orders.getOrder' })
  expect(down('cardnet').owner).toBe('cardnet')
})

test('the sheet of a call says the same of a provider that is down', async () => {
  const { sheets } = await scoreSystem(join(root, 'spandrel.yaml'), { env: {} })
  const sheet = sheets?.(folder).find(({ file }) => file.endsWith('payments-cardnet.createCharge.md'))
  const { outcome: what, because } = effect(down('cardnet'), 'payments.capturePayment')
  expect(sheet?.text).toContain(`\`payments.capturePayment\` ${what}: ${because}`)
})

test('what makes no call goes on', () => {
  const { unaffected, looked } = down('payments')
  expect(unaffected).toContain('orders.getOrder')
  expect(looked.operations).toBeGreaterThan(20)
})

test('messages only wait: those to it, those from it, and what surely follows from them', () => {
  const payments = down('payments')
  expect(outcome(payments, 'payments.capturePayment')).toBe('waits')
  expect(outcome(payments, 'ledger.bookCapture')).toBe('waits')
  // shipping takes in nothing but paymentCaptured
  expect(effect(payments, 'orders.completeOrder')).toMatchObject({
    outcome: 'waits',
    possible: false,
    chain: [
      { to: 'shipping.shipmentDispatched', relation: 'receives', style: 'messaging' },
      { to: 'shipping.bookShipment', relation: 'follows' },
      { to: 'payments.paymentCaptured', relation: 'receives' },
    ],
  })
})

test('a message that is handled by a call is tried again, and kept', () => {
  const found = effect(down('cardnet'), 'payments.capturePayment')
  expect(found.outcome).toBe('waits')
  expect(found.because).toContain('6 times')
  expect(found.because).toContain('dead letter')
})

/** The shop, with one file of it changed. */
async function changedShop(file: string, change: (text: string) => string): Promise<System> {
  const copy = await mkdtemp(join(folder, 'shop-'))
  await cp(root, copy, { recursive: true, filter: (path) => !/node_modules|dist$/.test(path) })
  const before = await readFile(join(copy, file), 'utf8')
  const after = change(before)
  if (after === before) throw new Error(`${file} is as it was`)
  await writeFile(join(copy, file), after)
  return load(join(copy, 'spandrel.yaml'))
}

test('what is discarded never comes, however far away', async () => {
  const told = down(
    'cardnet',
    await changedShop('payments/contracts/payments.asyncapi.yaml', (text) =>
      text.replace(/retry: \{ attempts: 6.*/, 'retry: { attempts: 1 }').replace(/deadLetter: \{.*/, 'deadLetter: none'),
    ),
  )
  expect(effect(told, 'payments.capturePayment').because).toContain('discarded')
  for (const operation of ['shipping.bookShipment', 'ledger.bookCapture', 'orders.completeOrder']) {
    expect(effect(told, operation)).toMatchObject({ outcome: 'fails', possible: false })
    expect(effect(told, operation).because).toContain('never hears of what was discarded')
  }
  expect(effect(told, 'orders.askToRefundPayment')).toMatchObject({ outcome: 'fails', possible: false })
})

test('what was sent at most once to the service that is down never comes out of it', async () => {
  const told = down(
    'inventory',
    await changedShop('orders/contracts/orders.asyncapi.yaml', (text) =>
      text.replaceAll('delivery: at-least-once', 'delivery: at-most-once'),
    ),
  )
  expect(outcome(told, 'inventory.reserveStock')).toBe('fails')
  expect(outcome(told, 'payments.capturePayment')).toBe('fails')
})

test('a dead letter comes out when somebody replays it, not when the service is back', () => {
  const told = down('cardnet')
  const { because } = effect(told, 'shipping.bookShipment')
  expect(because).toContain('comes when somebody replays the dead letters of `payments.capturePayment`')
  expect(told.effects.filter(({ possible, because: why }) => !possible && why.includes('is back'))).toEqual([])
})

test('the way goes through the input that a `completion` names', () => {
  const told = down('cardnet')
  for (const operation of ['orders.askToRefundPayment', 'orders.notePaymentRefunded', 'ledger.bookRefund']) {
    const { chain } = effect(told, operation)
    expect(chain.slice(1).map(({ to }) => to)).toEqual(['payments.returnPayment', 'cardnet.createRefund'])
  }
  expect(effect(told, 'ledger.bookCapture').chain.at(-1)?.to).toBe('cardnet.createCharge')
})

test('nobody fails because of a service that is only sent messages', () => {
  const inventory = down('inventory')
  expect(inventory.effects.filter(({ outcome: what, service }) => what === 'fails' && service !== 'inventory')).toEqual(
    [],
  )
  expect(effect(inventory, 'orders.askToReleaseStock').because).toContain('late (promised within 15 min)')
  expect(outcome(inventory, 'payments.capturePayment')).toBe('waits')
  expect(outcome(inventory, 'shipping.bookShipment')).toBe('waits')
})

test('what leads to the service does not wait for it, nor does what follows from that alone', () => {
  const { unaffected } = down('shipping')
  for (const before of ['inventory.reserveStock', 'payments.capturePayment', 'ledger.bookCapture']) {
    expect(unaffected).toContain(before)
  }
  // Hear of what was rejected before anything was shipped.
  for (const aside of ['orders.rejectOutOfStock', 'orders.rejectUnpaid']) expect(unaffected).toContain(aside)
})

test('where no `completion` names the outcome of a request, any message of the service may be it', async () => {
  expect(down('shipping').unaffected).toContain('orders.rejectOutOfStock')
  const silent = await changedShop('orders/contracts/orders.asyncapi.yaml', (text) =>
    text.replaceAll(/^( +)completion: .*/gm, '$1timeout: PT15M'),
  )
  expect(outcome(down('shipping', silent), 'orders.rejectOutOfStock')).toBe('may: waits')
})

test('where no `process` ties an input to a message, any input may lead to it', async () => {
  expect(outcome(down('orders'), 'payments.capturePayment')).toBe('waits')
  const loose = await changedShop('inventory/contracts/inventory.asyncapi.yaml', (text) =>
    text.replaceAll(/^ +process: checkout\n/gm, ''),
  )
  // A delivery is received over HTTP, and nothing says any more that no stock is reserved because of it.
  expect(outcome(down('orders', loose), 'payments.capturePayment')).toBe('may: waits')
  expect(down('shipping', loose).unaffected).toContain('payments.capturePayment')
})

test('every effect of every service of the shop has a place and a reason, and a way that ends at the service', () => {
  const all = Object.keys(shop.services).flatMap((name) => down(name).effects.map((one) => ({ name, ...one })))
  expect(all.length).toBeGreaterThan(50)
  expect(all.filter(({ because, location }) => because === '' || !(location.line > 0))).toEqual([])
  const others = all.filter(({ name, service }) => service !== name)
  expect(others.length).toBeGreaterThan(20)
  expect(others.filter(({ chain, name }) => chain.at(-1)?.to.split('.')[0] !== name)).toEqual([])
})

test('an operation, and a misspelt service: what was meant', () => {
  expect(impactOfDown('payments.quotePrice', shop)).toEqual({
    hint: '`--down` takes a service: did you mean `payments`?',
  })
  expect(impactOfDown('paymets', shop)).toEqual({ hint: 'did you mean `payments`?' })
})

/** `front` has two operations and calls `back`; `use` is how. */
async function pair(use: string, receive = ''): Promise<System> {
  const dir = await mkdtemp(join(folder, 'pair-'))
  const openapi = (title: string, names: readonly string[]): string =>
    JSON.stringify({
      openapi: '3.1.0',
      info: { title, version: '1.0.0' },
      paths: Object.fromEntries(
        names.map((name) => [`/${name}`, { post: { operationId: name, responses: { 204: { description: 'done' } } } }]),
      ),
    })
  await writeFile(join(dir, 'front.openapi.json'), openapi('Front', ['ask', 'other']))
  await writeFile(join(dir, 'back.openapi.json'), openapi('Back', ['answer']))
  if (receive !== '') {
    await writeFile(
      join(dir, 'front.asyncapi.yaml'),
      `asyncapi: 3.0.0
info: { title: Front, version: 1.0.0 }
channels: { jobs: { address: jobs, messages: { job: { payload: true } } } }
operations:
  work:
    action: receive
    channel: { $ref: '#/channels/jobs' }
    x-guarantees: ${receive}
`,
    )
  }
  const contracts = receive === '' ? '[front.openapi.json]' : '[front.openapi.json, front.asyncapi.yaml]'
  await writeFile(
    join(dir, 'spandrel.yaml'),
    `version: 1
system: pair
services:
  front: { contracts: ${contracts}, uses: { back.answer: ${use} } }
  back: { contracts: [back.openapi.json] }
`,
  )
  return load(join(dir, 'spandrel.yaml'))
}

test('a declared fallback degrades', async () => {
  const told = down('back', await pair('{ in: [ask], fallback: yesterday’s answer }'))
  expect(outcome(told, 'front.ask')).toBe('degrades')
  expect(effect(told, 'front.ask').because).toBe('fallback: yesterday’s answer')
  expect(told.unaffected).toEqual(['front.other'])
})

test('where nobody says which operation calls, any may', async () => {
  const told = down('back', await pair('{}'))
  expect(outcome(told, 'front.ask')).toBe('may: fails')
  expect(outcome(told, 'front.other')).toBe('may: fails')
  expect(effect(told, 'front.ask').because).toContain('`in`')
})

test('a call that hands over, or fetches now and then, does not fail the caller', async () => {
  expect(outcome(down('back', await pair('{ style: messaging, in: [ask] }')), 'front.ask')).toBe('waits')
  for (const style of ['file', 'database']) {
    expect(down('back', await pair(`{ style: ${style}, reason: so, in: [ask] }`)).unaffected).toContain('front.ask')
  }
})

test('a message that is discarded after its attempts is lost', async () => {
  const once = '{ retry: { attempts: 3, delay: PT1S }, deadLetter: none, timeout: PT1S }'
  const told = down('back', await pair('{ in: [work] }', once))
  expect(effect(told, 'front.work')).toMatchObject({ outcome: 'fails', possible: false })
  expect(effect(told, 'front.work').because).toContain('discarded')
})

test('what is sent at most once to a service that is down may be lost', async () => {
  const told = down('front', await pair('{ in: [work] }', '{ delivery: at-most-once }'))
  expect(effect(told, 'front.work')).toMatchObject({ outcome: 'fails', chain: [] })
})

test('`in` that names no operation of the caller is a fault, at its place', async () => {
  const { dir } = await pair('{ in: [ask] }')
  const { findings } = await loadSystem(join(dir, 'spandrel.yaml'), { env: {} })
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  await writeFile(
    join(dir, 'spandrel.yaml'),
    'version: 1\nsystem: pair\nservices:\n  front:\n    contracts: [front.openapi.json]\n    uses:\n      back.answer: { in: [aks] }\n  back: { contracts: [back.openapi.json] }\n',
  )
  const broken = await loadSystem(join(dir, 'spandrel.yaml'), { env: {} })
  expect(broken.findings).toMatchObject([
    { id: 'unknown-operation', line: 7, column: 27, suggestion: 'did you mean `ask`?' },
  ])
})
