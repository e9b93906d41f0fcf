import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ScoreResult, scoreSystem } from '../load/load-system.ts'
import type { QuestionId } from './model.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-score-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const shopper = `version: 1
system: small
defaults: { style: rpc }
services:
  shop: { owner: a, contracts: [shop/shop.openapi.yaml], url: http://shop.test:7001, dev: node shop/main.ts, uses: { prices.getPrice: { style: rpc } } }
  prices: { owner: b, contracts: [prices/prices.openapi.yaml], url: http://prices.test:7002 }
`
const openapi = (title: string, path: string, operation: string, more = ''): string => `openapi: 3.1.0
info: { title: ${title}, version: 1.0.0 }
paths:
  ${path}:
    ${operation.startsWith('get') ? 'get' : 'post'}:
      operationId: ${operation}
${more}      responses:
        '200': { description: Good, content: { application/json: { schema: { type: object, properties: { a: { type: string } } } } } }
`

async function score(files: Record<string, string>): Promise<ScoreResult> {
  const all = {
    'spandrel.yaml': shopper,
    'shop/shop.openapi.yaml': openapi('Shop', '/orders', 'order'),
    'shop/main.ts': '',
    'prices/prices.openapi.yaml': openapi('Prices', '/price', 'getPrice'),
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return scoreSystem(join(folder, 'spandrel.yaml'), { env: {} })
}

function answer({ scorecard }: ScoreResult, id: QuestionId, name: string) {
  return scorecard?.integrations.find((one) => one.name === name)?.answers.find(({ question }) => question === id)
}

const use = 'shop → prices.getPrice'
const open = 'callers → shop.order'

test('what nobody is known to use is scored too; what means nothing is not asked', async () => {
  const result = await score({})
  expect(result.scorecard?.integrations.map(({ name }) => name)).toEqual([use, open])
  expect(answer(result, 'idempotency', use)).toMatchObject({ answer: 'not-asked' })
  expect(answer(result, 'idempotency', open)).toMatchObject({ answer: 'no', evidence: 'none', score: 0 })
  expect(answer(result, 'default-style', use)).toMatchObject({ answer: 'yes', evidence: 'declared', score: 0.5 })
})

test('each answer but those that are not asked says what it is based on, and what would raise it', async () => {
  const { scorecard } = await score({})
  const answers = scorecard?.integrations.flatMap((one) => one.answers) ?? []
  expect(answers.length).toBe(20)
  for (const one of answers) {
    expect(one.because.length).toBeGreaterThan(0)
    expect(one.raise === undefined).toBe(one.answer === 'not-asked')
    expect(one.evidence).not.toBe('observed')
  }
})

test.each([
  ['.github/workflows/ci.yml', '      - run: npx spandrel verify --json', 'CI runs spandrel verify'],
  ['.gitlab-ci.yml', '  script: [schemathesis run openapi.yaml]', 'CI runs Schemathesis'],
  ['.github/workflows/ci.yml', '      - run: npm run contracts', 'CI runs Pact as `contracts`'],
  ['.github/workflows/ci.yml', '      # npx spandrel verify', undefined],
  ['.github/workflows/ci.yml', '      - run: npx spandrel check', undefined],
  ['README.md', 'npx spandrel verify', undefined],
])('contract tests in CI: %s with %j', async (file, line, found) => {
  const result = await score({
    [file]: line,
    'package.json': '{ "scripts": { "contracts": "pact-broker can-i-deploy" } }',
  })
  const given = answer(result, 'contract-tests', use)
  expect(given?.answer).toBe(found === undefined ? 'no' : 'yes')
  expect(given?.because[0]?.text).toBe(found ?? 'no contract test was found in the CI of prices')
  expect(given?.because[0]?.at).toEqual(found === undefined ? undefined : { file: join(folder, file), line: 1 })
})

const verifying = "import { planService, run } from '@spandrel/verify'\nrun(planService('prices'))\n"
const files = (more: Record<string, string> = {}): Record<string, string> => ({
  '.ci/run': '#!/bin/sh\nset -e\ntests() {\n  npm run --silent "$1"\n}\nstep tests all\n',
  'package.json': '{ "scripts": { "all": "npm run long", "long": "vitest run --config vitest.long.config.ts" } }',
  'vitest.long.config.ts':
    "export default { test: { include: ['{test,other}/**/*.long.test.ts'], exclude: ['**/old/**'] } }",
  'test/prices.long.test.ts': verifying,
  ...more,
})

test('contract tests that CI runs by way of a script and a test runner, with every line that shows it', async () => {
  const given = answer(await score(files()), 'contract-tests', use)
  expect(given?.because).toEqual([
    { text: 'CI runs vitest as `long`', at: { file: join(folder, '.ci/run'), line: 6 } },
    {
      text: 'it tests `prices` with @spandrel/verify',
      at: { file: join(folder, 'test/prices.long.test.ts'), line: 1 },
    },
  ])
})

test.each([
  ['a file that the configuration leaves out', { 'test/prices.long.test.ts': '', 'test/prices.test.ts': verifying }],
  ['a file that it excludes', { 'test/prices.long.test.ts': '', 'test/old/a.long.test.ts': verifying }],
  ['a script that CI does not run', { '.ci/run': 'tests() { npm run --silent "$1"; }\ntests other\n' }],
  ['a script that is not there', { 'package.json': '{ "scripts": {} }' }],
  [
    'files that the command does not name',
    { 'package.json': '{ "scripts": { "all": "vitest run -c vitest.long.config.ts src/" } }' },
  ],
  ['a test of another service', { 'test/prices.long.test.ts': verifying.replace('prices', 'shop') }],
  [
    'a mere type',
    { 'test/prices.long.test.ts': "import type { run, planService } from '@spandrel/verify'\nrun('prices')" },
  ],
  ['a test of messages only', { 'test/prices.long.test.ts': verifying.replaceAll('planService', 'planReceive') }],
])('no contract test in CI: %s', async (_what, more) => {
  expect(answer(await score(files(more)), 'contract-tests', use)).toMatchObject({ answer: 'no' })
})

test('what a pipeline calls is followed, and ends', async () => {
  const pipeline = {
    '.github/workflows/ci.yml': 'jobs:\n  a:\n    steps:\n      - run: bash scripts/ci.sh\n',
    '.ci/run': '',
  }
  const found = async (script: string) =>
    answer(await score({ ...files(pipeline), 'scripts/ci.sh': script }), 'contract-tests', use)?.because[0]
  expect(await found('set -e\nnpx spandrel diff origin/main\n')).toEqual({
    text: 'CI runs spandrel diff',
    at: { file: join(folder, 'scripts/ci.sh'), line: 2 },
  })
  expect((await found('bash scripts/ci.sh\n./scripts/ci.sh\n'))?.text).toBe(
    'no contract test was found in the CI of prices',
  )
})

test('a call that nobody declared is no integration, and the contract is formal for a part only', async () => {
  const undeclared = { 'prices/main.ts': "fetch('http://shop.test:7001/orders')" }
  const formal = ({ scorecard }: ScoreResult) =>
    scorecard?.questions.find(({ question }) => question === 'formal-contract')
  expect(formal(await score({}))).toMatchObject({ answer: 'yes', beside: [] })
  const { answer: given, beside } = formal(await score(undeclared)) ?? {}
  expect(given).toBe('partly')
  expect(beside).toMatchObject([{ at: { file: join(folder, 'prices/main.ts'), line: 1 } }])
})

test('an integration by database is coupled in every way, and its end has to be named', async () => {
  const yaml = shopper.replace('{ style: rpc } }', '{ style: database, reason: old, until: 2020-01-31 } }')
  const result = await score({ 'spandrel.yaml': yaml })
  const { coupling } = result.scorecard?.integrations.find(({ name }) => name === use) ?? {}
  expect(coupling?.map(({ dimension, level }) => `${dimension} ${level}`)).toEqual([
    'time high',
    'schema high',
    'deployment high',
    'operations high',
    'format high',
  ])
  expect(answer(result, 'default-style', use)).toMatchObject({ answer: 'no' })
  expect(answer(result, 'push', use)).toMatchObject({ answer: 'no' })
})

test('documents that cannot be read have no scorecard', async () => {
  const { scorecard, findings } = await score({ 'shop/shop.openapi.yaml': 'openapi: 3.1.0\npaths: [' })
  expect(scorecard).toBeUndefined()
  expect(findings.length).toBeGreaterThan(0)
})
