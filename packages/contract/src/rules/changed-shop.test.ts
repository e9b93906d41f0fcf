/** Rules on the shop, with one thing changed: what only shows where many services work together. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import { checkFixture } from './fixture.ts'

const shop = fileURLToPath(new URL('../../../../examples/shop', import.meta.url))

type Change = readonly [path: string, from: string | RegExp, to: string]

/** Each change must change something: one that no longer fits the shop fails here, not in silence. */
async function found(rule: string, ...changes: readonly Change[]): Promise<readonly Finding[]> {
  const paths = globSync('{spandrel.yaml,storefronts.yaml,*/spandrel.yaml,*/contracts/*.{yaml,json}}', { cwd: shop })
  expect(paths.length).toBeGreaterThan(12)
  const files = new Map(paths.map((path) => [path, readFileSync(`${shop}/${path}`, 'utf8')]))
  for (const [path, from, to] of changes) {
    const before = files.get(path)
    const after = before?.replace(from, to)
    expect(after, `${path} has ${String(from)}`).not.toBe(before)
    files.set(path, after ?? '')
  }
  const { findings } = await checkFixture({ files, marks: [] })
  expect(findings.filter(({ id, severity }) => severity === 'error' && id !== rule)).toEqual([])
  return findings.filter(({ id }) => id === rule)
}

const subjects = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ subject = '' }) => subject).sort((a, b) => (a < b ? -1 : 1))

const undoes = (path: string): Change => [path, /    x-integration:\n      compensates: \S+\n/, '']
const inventory = 'inventory/contracts/inventory.asyncapi.yaml'
const payments = 'payments/contracts/payments.asyncapi.yaml'

test('only who makes the call may repeat it', async () => {
  const short: Change = ['cardnet/contracts/cardnet.guarantees.yaml', /(createRefund:[^]*?retention: )\S+/, '$1P10D']
  const calm: Change = [
    payments,
    /(compensates: payments.capturePayment\n)/,
    '$1    x-guarantees: { retry: none, deadLetter: none }\n',
  ]
  const [loud, ...others] = await found('retention-covers-caller-retry', short)
  expect(others).toEqual([])
  expect(loud?.message).toContain('payments.returnPayment')
  expect(await found('retention-covers-caller-retry', short, calm)).toEqual([])
})

test('an outcome that is asked for comes no sooner than the chain behind the request', async () => {
  const orders = 'orders/contracts/orders.openapi.yaml'
  expect(await found('completion-is-reachable')).toEqual([])
  const [late, ...others] = await found('completion-is-reachable', [orders, 'within: PT15M', 'within: PT1S'])
  expect(others).toEqual([])
  expect(late?.subject).toBe('orders.placeOrder')
  expect(late?.message).toContain('`inventory.reserveStock` → `payments.capturePayment` → `shipping.bookShipment`')
})

test('what is not undone is named, and nothing else', async () => {
  expect(subjects(await found('compensation-exists'))).toEqual([])
  expect(subjects(await found('compensation-exists', undoes(inventory)))).toEqual(['inventory.reserveStock'])
  expect(subjects(await found('compensation-exists', undoes(payments)))).toEqual(['payments.capturePayment'])
})

test('where nothing is undone, each step that others follow is named, and no undoing', async () => {
  const all = await found(
    'compensation-exists',
    undoes(inventory),
    undoes(payments),
    undoes('ledger/contracts/ledger.asyncapi.yaml'),
    ['cardnet/contracts/cardnet.guarantees.yaml', '    compensates: cardnet.createCharge\n', ''],
  )
  expect(subjects(all)).toEqual(['cardnet.createCharge', 'inventory.reserveStock', 'payments.capturePayment'])
})

const ordersApi = 'orders/contracts/orders.openapi.yaml'
const unexplained: Change = [ordersApi, /^ +style: rpc\n +reason: .*\n/m, '']

test('an HTTP operation is rpc, whether or not anybody writes it', async () => {
  expect(await found('deviation-has-reason')).toEqual([])
  const [one, ...others] = await found('deviation-has-reason', unexplained)
  expect(others).toEqual([])
  expect(one).toMatchObject({ subject: 'orders' })
  expect(one?.message).toMatch(/^\d operations of this document are rpc, and the system's default is messaging/)
})

test('a message is messaging, and one finding is enough for a document', async () => {
  const all = await found('deviation-has-reason', ['spandrel.yaml', 'style: messaging', 'style: rpc'])
  const files = all.map(({ file }) => file.split('/').at(-1))
  expect(files.length).toBeGreaterThan(3)
  expect(files.filter((file) => !file?.endsWith('.asyncapi.yaml'))).toEqual([])
  expect(new Set(files).size).toBe(files.length)
})

test('without a default there is nothing to deviate from', async () => {
  const none: Change = ['spandrel.yaml', 'defaults: { style: messaging }', '']
  expect(await found('deviation-has-reason', unexplained, none)).toEqual([])
})
