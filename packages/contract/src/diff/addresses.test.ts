import { expect, test } from 'vitest'
import { diffSystems } from './diff-systems.ts'
import type { DiffFinding } from './model.ts'
import { sideOf } from '../../test/side-of.ts'

/** Messages of one address with a parameter: who sends, who listens, and to which of its values. */

interface Shop {
  readonly sent: string
  readonly everyone?: string
  readonly europe?: string
}

const document = (action: string, parameter: string) => `
asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
channels:
  orders:
    address: shop.{region}.orders
    parameters: { region: { ${parameter} } }
    messages: { orderPlaced: { payload: { type: object } } }
operations:
  it: { action: ${action}, channel: { $ref: '#/channels/orders' } }
`

const commands = (shop: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  ...shop,
  'orders.yaml': (shop['orders.yaml'] ?? '').replace('orderPlaced: {', 'orderPlaced: { x-intent: command,'),
})

const shop = ({ sent, everyone = '', europe = 'enum: [eu]' }: Shop) => ({
  'spandrel.yaml': `
version: 1
system: shop
services:
  orders: { owner: team-orders, contracts: [orders.yaml] }
  billing: { owner: team-money, contracts: [billing.yaml] }
  mailer: { owner: team-mail, contracts: [mailer.yaml] }
`,
  'orders.yaml': document('send', sent),
  'billing.yaml': document('receive', everyone),
  'mailer.yaml': document('receive', europe),
})

function compare(base: Shop, revision: Shop): readonly DiffFinding[] {
  return diffSystems(sideOf(shop(base)), sideOf(shop(revision))).findings
}

const told = (findings: readonly DiffFinding[]): string[] =>
  findings.flatMap(({ level, id, consumers }) => [
    `${level} ${id}`,
    ...consumers.map(({ service, owner, broken, because }) => `${service} ${owner} ${broken}: ${because}`),
  ])

test('fewer addresses break who listens at one that is gone; who listens at all of them waits at none', () => {
  const findings = compare({ sent: 'enum: [eu, us]' }, { sent: 'enum: [us]' })
  expect(findings[0]?.message).toBe('nothing is sent where `{region}` is `eu` any more')
  expect(told(findings)).toEqual([
    'breaking sent-addresses-narrowed',
    'billing team-money no: listens at every address',
    'mailer team-mail yes: it listens where this is "eu"',
  ])
})

test('one more address may be missed by who listens at some of them', () => {
  expect(told(compare({ sent: 'enum: [eu]' }, { sent: 'enum: [eu, us]' }))).toEqual([
    'warning sent-addresses-widened',
    'billing team-money no: it listens at the new addresses, too',
    'mailer team-mail unknown: it does not listen at all of the new addresses',
  ])
})

test('who stops listening breaks the sender of a command that may send there, as it is deployed', () => {
  const both = 'enum: [eu, us]'
  const [old, now] = [shop({ sent: both, everyone: both }), shop({ sent: 'enum: [us]', everyone: 'enum: [us]' })]
  const { findings } = diffSystems(sideOf(commands(old)), sideOf(commands(now)))
  expect(told(findings)).toEqual([
    'breaking received-addresses-narrowed',
    'orders team-orders yes: its own contract, as it is deployed now, lets it send where this is "eu", and waits for what comes of orderPlaced',
    'breaking sent-addresses-narrowed',
    'billing team-money yes: it, as it is deployed now, listens where this is "eu"',
    'mailer team-mail yes: it listens where this is "eu"',
  ])
  expect(told(compare({ sent: 'enum: [eu]', everyone: both }, { sent: 'enum: [eu]', everyone: 'enum: [eu]' }))).toEqual(
    ['warning received-addresses-narrowed', 'orders team-orders no: all that it may send to is still listened at'],
  )
})

test('where any text was allowed nobody was promised a certain address', () => {
  const [any, some] = [
    { sent: '', europe: '' },
    { sent: 'enum: [eu]', europe: '' },
  ]
  expect(told(compare(any, some))[0]).toBe('warning sent-addresses-narrowed')
  expect(told(compare(some, any))[0]).toBe('warning sent-addresses-widened')
})

test('a parameter that is only declared says nothing new', () => {
  expect(told(compare({ sent: '' }, { sent: 'description: The region' }))).toEqual([])
})

const old = (member: 'publish' | 'subscribe', schema: string) => ({
  'orders.yaml': `
asyncapi: 2.6.0
info: { title: Orders, version: 1.0.0 }
channels:
  shop/{region}/orders:
    parameters: { region: { $ref: '#/components/parameters/region' } }
    ${member}: { operationId: it, message: { name: orderPlaced, payload: { type: object } } }
components: { parameters: { region: { schema: { ${schema} } } } }
`,
})

test.each([
  ['publish', 'type: string, enum: [eu, us]', 'type: string, enum: [eu]', ['breaking received-addresses-narrowed']],
  ['publish', 'type: string, maxLength: 2', 'type: string, maxLength: 3', ['minor received-addresses-widened']],
  ['publish', 'type: string', "type: string, pattern: '^[a-z]+$'", ['breaking received-addresses-narrowed']],
  ['subscribe', 'type: string, enum: [eu, us]', 'type: string, enum: [eu]', ['breaking sent-addresses-narrowed']],
  ['subscribe', 'type: string, enum: [eu]', 'type: string, const: eu', []],
] as const)('AsyncAPI 2: to others who %s, from { %s } to { %s }', (member, before, after, expected) => {
  const side = (schema: string) => sideOf(old(member, schema))
  expect(told(diffSystems(side(before), side(after)).findings)).toEqual(expected)
})
