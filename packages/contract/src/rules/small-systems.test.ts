/** Rules on small systems: what their pair of fixtures has no place for. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkDocuments } from '../load/load-system.ts'
import type { Finding } from '../model/finding.ts'
import { checkFixture } from './fixture.ts'

const ids = (findings: readonly Finding[]): readonly string[] => findings.map(({ id }) => id)

async function check(files: Readonly<Record<string, string>>): Promise<readonly Finding[]> {
  return (await checkFixture({ files: new Map(Object.entries(files)), marks: [] })).findings
}

const openapi = (paths: string): string => `openapi: 3.1.0\ninfo: { title: Test, version: 1.0.0 }\npaths:\n${paths}`

const asks = (name: string): string =>
  openapi(`  /${name}:\n    get: { operationId: ask, responses: { '200': { description: ok } } }\n`)

/** Services that call each other: `a: b` is a call of a to b. */
function calling(calls: Readonly<Record<string, string>>, more = ''): Promise<readonly Finding[]> {
  const names = [...new Set([...Object.keys(calls), ...Object.values(calls)])]
  const services = names.map((name) => {
    const uses = calls[name] === undefined ? '' : `, uses: { ${calls[name]}.ask: { style: rpc } }`
    return `  ${name}: { owner: team, contracts: [${name}.openapi.yaml]${uses} }\n`
  })
  return check({
    'spandrel.yaml': `version: 1\nsystem: shop\n${more}services:\n${services.join('')}`,
    ...Object.fromEntries(names.map((name) => [`${name}.openapi.yaml`, asks(name)])),
  })
}

test('a circle of calls is one finding; who calls into it waits for a chain as before', async () => {
  const coupling = (findings: readonly Finding[]): readonly string[] =>
    ids(findings).filter((id) => id === 'rpc-cycle' || id === 'sync-chain')
  const circle = { a: 'b', b: 'c', c: 'd', d: 'a' }
  expect(coupling(await calling(circle))).toEqual(['rpc-cycle'])
  expect(coupling(await calling({ ...circle, web: 'a' })).toSorted()).toEqual(['rpc-cycle', 'sync-chain'])
})

test('how much of the time all of a chain are there: assumed, or as spandrel.yaml says', async () => {
  const chain = { a: 'b', b: 'c', c: 'd' }
  const told = async (defaults: string): Promise<string | undefined> =>
    (await calling(chain, defaults)).find(({ id }) => id === 'sync-chain')?.message
  expect(await told('')).toContain(
    'if each were there 99.9 % of the time (assumed: say it in `defaults.availability`), all would be 99.6 %',
  )
  expect(await told('defaults: { availability: 99 }\n')).toContain(
    'each is there 99 % of the time (`defaults.availability`), all at once 96.06 %',
  )
  const wrong = await calling(chain, 'defaults: { availability: 0.995 }\n')
  expect(wrong.map(({ id, line }) => `${id} ${line}`)).toEqual(['out-of-range 3'])
})

test('who makes a call has the time it takes, each of those that `in` names', async () => {
  const timed = (name: string, seconds: Readonly<Record<string, number>>): string =>
    openapi(
      Object.entries(seconds)
        .map(
          ([id, s]) =>
            `  /${id}:\n    get: { operationId: ${id}, x-guarantees: { timeout: PT${s}S }, responses: { '200': { description: ok } } }\n`,
        )
        .join(''),
    ).replace('Test', name)
  const found = async (use: string): Promise<readonly string[]> =>
    (
      await check({
        'spandrel.yaml': `version: 1\nsystem: shop\nservices:\n  web: { owner: team, contracts: [web.yaml], uses: { prices.ask: { style: rpc${use} } } }\n  prices: { owner: team, contracts: [prices.yaml] }\n`,
        'web.yaml': timed('Web', { quick: 1, slow: 9 }),
        'prices.yaml': timed('Prices', { ask: 2 }),
      })
    )
      .filter(({ id }) => id === 'timeout-can-hold')
      .map(({ message }) => message.slice(0, message.indexOf(';')))
  expect(await found(', in: [quick]')).toEqual(['`prices.ask` may take 2 s, and `web` has at most 1 s (`quick`)'])
  expect(await found(', in: [quick, slow]')).toHaveLength(1)
  expect(await found(', in: [slow]')).toEqual([])
  // Nobody says that it is not the slow one.
  expect(await found('')).toEqual([])
})

async function listing(schema: string): Promise<readonly string[]> {
  const found = await check({
    'spandrel.yaml':
      'version: 1\nsystem: shop\nservices:\n  orders: { owner: team, contracts: [orders.openapi.yaml] }\n',
    'orders.openapi.yaml': openapi(`  /orders:
    get:
      operationId: listOrders
      responses: { '200': { description: ok, content: { application/json: { schema: ${schema} } } } }
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { '200': { description: ok } }
`),
  })
  return ids(found).filter((id) => id === 'crud-forces-n-plus-1')
}

test('a list of bare ids is a list of references; words of a fixed list are none', async () => {
  const array = (items: string): string => `{ type: array, items: ${items} }`
  const object = (properties: string): string => `{ type: object, properties: { ${properties} } }`
  expect(await listing(array('{ type: string }'))).toHaveLength(1)
  expect(await listing(array('{ type: integer }'))).toHaveLength(1)
  expect(await listing(object('orders: { type: array, items: { type: string } }'))).toHaveLength(1)
  expect(await listing(array('{ type: string, enum: [open, closed] }'))).toEqual([])
  expect(await listing(array(object('id: { type: string }, total: { type: integer }')))).toEqual([])
})

test('a document alone is not asked who sends to it, and formats that are not read are one remark', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spandrel-alone-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const payload =
    "payload: { schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: { type: record, name: A, fields: [] } }"
  const file = join(dir, 'test.yaml')
  await writeFile(
    file,
    `asyncapi: 3.0.0
info: { title: Test, version: 1.0.0 }
channels:
  in: { address: test1, messages: { a: { ${payload} } } }
  out: { address: test2, messages: { b: { ${payload} } } }
operations:
  hear: { action: receive, channel: { $ref: '#/channels/in' } }
  tell: { action: send, channel: { $ref: '#/channels/out' } }
`,
  )
  const { findings } = await checkDocuments([file], { env: {} })
  expect(ids(findings)).not.toContain('never-sent')
  const formats = findings.filter(({ id }) => id === 'schema-format')
  expect(formats.map(({ severity }) => severity)).toEqual(['info'])
  expect(formats[0]?.message).toContain('and 1 more in this document')
})

test('a transform that does not exist is reported, relative to the contract or to spandrel.yaml', async () => {
  const files = {
    'spandrel.yaml':
      'version: 1\nsystem: shop\nservices:\n  hearer: { owner: team, contracts: [contracts/hearer.yaml] }\n',
    'contracts/hearer.yaml': `asyncapi: 3.0.0
info: { title: Hearer, version: 1.0.0 }
channels:
  in: { address: test, messages: { a: { payload: { type: object } } } }
operations:
  hear:
    action: receive
    channel: { $ref: '#/channels/in' }
    x-integration: { transform: { with: transforms/a.ts } }
`,
  }
  const missing = (await check(files)).filter(({ id }) => id === 'missing-file')
  expect(missing.map(({ line, severity, subject }) => ({ line, severity, subject }))).toEqual([
    { line: 9, severity: 'error', subject: 'hearer.hear' },
  ])
  for (const path of ['transforms/a.ts', 'contracts/transforms/a.ts']) {
    expect(ids(await check({ ...files, [path]: '' }))).not.toContain('missing-file')
  }
})
