/**
 * The scorecard of the shop, and ten shops that differ from it in one thing each: that thing changes one answer, and
 * the other nine stay.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Scorecard, scoreSystem } from '@spandrel/contract'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder: string
let made = 0
let before: Record<number, string>
let unchanged: Scorecard

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-scorecard-'))
  unchanged = await cardOf(await shop())
  before = said(unchanged)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The shop as it stands in this repository, with the CI that runs it, as a repository of its own. */
async function shop(): Promise<string> {
  const copy = join(folder, String(made++))
  for (const path of ['examples/shop', '.ci', 'package.json', 'vitest.config.ts', 'vitest.long.config.ts']) {
    await cp(join(root, path), join(copy, path), {
      recursive: true,
      // Of the code only what CI runs: services of the shop are built with nothing that a rule would find.
      filter: (file) =>
        !file.includes('node_modules') && (!/\.(ts|sql)$/.test(file) || /\.(test|config)\.ts$/.test(file)),
    })
  }
  await mkdir(join(copy, '.git'))
  return copy
}

async function cardOf(copy: string): Promise<Scorecard> {
  const { scorecard, findings } = await scoreSystem(join(copy, 'examples/shop/spandrel.yaml'), { env: {} })
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return scorecard!
}

const said = (card: Scorecard): Record<number, string> =>
  Object.fromEntries(card.questions.map(({ number, answer, evidence }) => [number, `${answer}, ${evidence}`]))

/** Replaces in a file of the shop; a pattern that finds nothing is a test that tests nothing. */
const replaced =
  (path: string, pattern: RegExp | string, by: string) =>
  async (copy: string): Promise<void> => {
    const file = join(copy, 'examples/shop', path)
    const text = await readFile(file, 'utf8')
    const changed = text.replace(pattern, () => by)
    expect(changed).not.toBe(text)
    await writeFile(file, changed)
  }

const written =
  (path: string, text: string) =>
  async (copy: string): Promise<void> => {
    const file = join(copy, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }

const all =
  (...steps: readonly ((copy: string) => Promise<void>)[]) =>
  async (copy: string): Promise<void> => {
    for (const step of steps) await step(copy)
  }

test('the shop as it is', () => {
  expect(before).toEqual({
    1: 'yes, declared',
    2: 'yes, declared',
    3: 'yes, declared',
    4: 'yes, declared',
    5: 'yes, declared',
    6: 'yes, declared',
    7: 'partly, declared',
    8: 'yes, declared',
    9: 'partly, declared',
    10: 'yes, declared',
  })
  const open = unchanged.integrations.flatMap(({ name, answers }) =>
    answers
      .filter(({ answer, question }) => answer === 'no' && question !== 'contract-tests')
      .map((one) => `${name}: ${one.question}`),
  )
  // Whoever placed an order has to ask what became of it.
  expect(open).toEqual(['callers → orders.placeOrder: push', 'callers → orders.getOrder: push'])
  expect(unchanged.integrations.length).toBeGreaterThan(15)
})

const mutations: readonly (readonly [
  number: number,
  what: string,
  mutate: (copy: string) => Promise<void>,
  becomes: string,
])[] = [
  [1, 'no default style is named', replaced('spandrel.yaml', 'defaults: { style: messaging }', ''), 'no, none'],
  [
    2,
    'the ledger says that booking twice books twice',
    replaced('ledger/contracts/ledger.asyncapi.yaml', /idempotency: \{.*\}/, 'idempotency: none'),
    'partly, declared',
  ],
  [
    3,
    'how long shipping remembers a key is left to the default',
    replaced('shipping/contracts/shipping.asyncapi.yaml', ', retention: P30D', ''),
    'partly, declared',
  ],
  [
    4,
    'inventory does not say where a message goes that it can never handle',
    replaced('inventory/contracts/inventory.asyncapi.yaml', /\n *deadLetter: .*/, ''),
    'partly, declared',
  ],
  [
    5,
    'nobody owns shipping',
    all(
      replaced('shipping/spandrel.yaml', /\n *owner: .*/, ''),
      replaced('shipping/contracts/shipping.asyncapi.yaml', /\n *owner: .*/, ''),
    ),
    'partly, declared',
  ],
  [
    6,
    'the ledger requires what payments never sends',
    replaced(
      'ledger/contracts/ledger.asyncapi.yaml',
      'required: [orderId, total, currency]',
      'required: [orderId, total, currency, iban]',
    ),
    'partly, declared',
  ],
  [
    7,
    'CI compares the contracts',
    written(
      '.github/workflows/contracts.yml',
      'jobs:\n  contracts:\n    steps:\n      - run: npx spandrel diff origin/main\n',
    ),
    'yes, declared',
  ],
  [
    8,
    'orders is built with a client that payments hands out',
    all(
      written('examples/shop/payments/package.json', '{ "name": "@shop/payments-client" }'),
      written(
        'examples/shop/orders/package.json',
        '{ "name": "orders", "dependencies": { "@shop/payments-client": "1.0.0" } }',
      ),
    ),
    'partly, declared',
  ],
  [
    9,
    'what became of an order is pushed',
    all(
      replaced(
        'orders/contracts/orders.openapi.yaml',
        /(?<=What became of an order\n)      x-guarantees:\n/,
        '      x-guarantees:\n        push: { by: webhook, ref: orderSettled }\n',
      ),
      replaced(
        'orders/contracts/orders.openapi.yaml',
        '\ncomponents:\n',
        "\nwebhooks:\n  orderSettled:\n    post:\n      operationId: orderSettled\n      x-guarantees: { idempotency: { key: $request.header.webhook-id, retention: P7D } }\n      parameters: [{ name: webhook-id, in: header, required: true, schema: { type: string } }]\n      responses: { '204': { description: Noted } }\ncomponents:\n",
      ),
    ),
    'yes, declared',
  ],
  [
    10,
    'a message of shipping does not say where its correlation id is',
    replaced('shipping/contracts/shipping.asyncapi.yaml', /(?<=shipmentBooked:\n.*\n) *correlationId: .*\n/, ''),
    'partly, declared',
  ],
]

test.each(mutations)('question %i: %s', async (number, _, mutate, becomes) => {
  const copy = await shop()
  await mutate(copy)
  expect(said(await cardOf(copy))).toEqual({ ...before, [number]: becomes })
  expect(before[number]).not.toBe(becomes)
})

test('question 7: without the step that runs them, tests in a file are no tests in CI', async () => {
  const copy = await shop()
  const file = join(copy, '.ci/run')
  const text = await readFile(file, 'utf8')
  const changed = text.replace(/^ *step 'the long tests'.*\n/m, '')
  expect(changed).not.toBe(text)
  await writeFile(file, changed)
  expect(said(await cardOf(copy))).toEqual({ ...before, 7: 'no, none' })
})

test('each of the ten has its mutation', () => {
  expect(mutations.map(([number]) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})
