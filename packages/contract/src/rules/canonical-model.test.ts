/** What is a model for everybody, and what only looks like one. */
import { expect, test } from 'vitest'
import { checkDocuments } from '../load/load-system.ts'
import type { Finding } from '../model/finding.ts'
import { checkFixture } from './fixture.ts'

const owners = ['a', 'b', 'c'] as const
const paths = '{ /things: { post: { operationId: make%, '

/** Three services of three owners; `part` is what the components of each say, `%` in it the service. */
interface Given {
  /** the body of each service's one request */
  readonly body?: string
  /** its answers, by status */
  readonly answers?: string
  readonly components?: string
  /** beside the three, for references */
  readonly shared?: string
  /** instead of `body`, for one of them */
  readonly other?: Readonly<Partial<Record<(typeof owners)[number], string>>>
}

function files(given: Given): Map<string, string> {
  const { body, answers = "'201': { description: made }", components = '{}', shared, other = {} } = given
  const services = owners.map((name) => `  ${name}: { owner: team-${name}, contracts: [${name}.openapi.yaml] }\n`)
  const contracts = owners.map((name) => {
    const schema = other[name] ?? body
    const request =
      schema === undefined ? '' : `requestBody: { content: { application/json: { schema: ${schema} } } }, `
    const text = `openapi: 3.1.0
info: { title: Test, version: 1.0.0 }
paths: ${paths}${request}responses: { ${answers} } } } }
components: { schemas: ${components} }
`
    return [`${name}.openapi.yaml`, text.replaceAll('%', name)] as const
  })
  return new Map([
    ['spandrel.yaml', `version: 1\nsystem: shop\nservices:\n${services.join('')}`],
    ...contracts,
    ...(shared === undefined ? [] : [['shared.yaml', shared] as const]),
  ])
}

const own = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ id }) => id === 'canonical-model')

async function found(given: Given): Promise<readonly Finding[]> {
  const { findings, system } = await checkFixture({ files: files(given), marks: [] })
  if (system === undefined) throw new Error(JSON.stringify(findings))
  return own(findings)
}

const object = (names: string): string =>
  `{ type: object, properties: { ${names
    .split(' ')
    .map((name) => `${name}: { type: string }`)
    .join(', ')} } }`

const customer = object('customerId name email phone segment')
const reference = (name: string): string => `{ $ref: '#/components/schemas/${name}' }`

test('a copy in the contracts of three owners is one model, under whatever name and with whatever texts', async () => {
  const [only, ...more] = await found({
    body: customer,
    other: {
      b: customer.replace('{ type: object', '{ type: object, title: Client, required: [customerId]'),
      c: customer.replace(
        'name: { type: string }',
        'name: { type: [string, "null"], maxLength: 80, description: Full }',
      ),
    },
  })
  expect(more).toEqual([])
  expect(only?.message).toBe(
    '`makea`, with its 5 property names, is the same in the contracts of 3 owners: team-a, team-b, team-c ' +
      '(also b.openapi.yaml:3, c.openapi.yaml:3)',
  )
})

test('a name more, a name less or another type is another model', async () => {
  for (const changed of [
    object('customerId name email phone segment since'),
    object('customerId name email phone'),
    customer.replace('name: { type: string }', 'name: { type: integer }'),
    customer.replace('name: { type: string }', 'name: { type: array, items: { type: string } }'),
  ]) {
    expect({ changed, found: await found({ body: customer, other: { b: changed } }) }).toEqual({ changed, found: [] })
  }
  expect(await found({ body: customer, other: { b: object('x'), c: object('y') } })).toEqual([])
})

test('named, inlined or wrapped in one `allOf`: how a copy is put together makes no difference', async () => {
  const order = (address: string): string =>
    `{ type: object, properties: { orderId: { type: string }, to: ${address}, from: ${address} } }`
  const address = object('street town country')
  const components = `{ Order: ${order(reference('Address'))}, Address: ${address} }`
  const told = await found({
    components,
    body: reference('Order'),
    other: { b: order(address), c: `{ allOf: [${reference('Order')}] }` },
  })
  expect(told.map(({ subject }) => subject)).toEqual(['Order'])
  expect(told[0]?.message).toContain('with its 6 property names')
})

test('of copies inside each other the outermost is named; circles end', async () => {
  const components = `{
    Tree: { type: object, properties: { name: { type: string }, owner: ${reference('Owner')}, branches: { type: array, items: ${reference('Tree')} } } },
    Owner: ${object('first last email phone address')} }`
  const told = await found({ components, body: reference('Tree') })
  expect(told.map(({ subject }) => subject)).toEqual(['Tree'])
  expect(await found({ components, body: reference('Tree'), other: { a: reference('Owner') } })).toMatchObject([
    { subject: 'Owner' },
  ])
})

test('alternatives are a model as well, shared or copied', async () => {
  const alternatives = `{ oneOf: [${object('cardToken cardHolder expires')}, ${object('iban bic accountHolder')}] }`
  expect(await found({ components: `{ PayBy: ${alternatives} }`, body: reference('PayBy') })).toMatchObject([
    { subject: 'PayBy' },
  ])
  for (const keyword of ['oneOf', 'anyOf']) {
    const shared = `PayBy: ${alternatives.replace('oneOf', keyword)}\n`
    const [told] = await found({ shared, body: "{ $ref: 'shared.yaml#/PayBy' }" })
    expect(told?.message).toBe('`PayBy` is shared by the contracts of 3 owners: team-a, team-b, team-c')
    expect(told?.file).toMatch(/shared\.yaml$/)
  }
})

test('small things that everybody has are no model: money, a page, an address of two lines', async () => {
  const page =
    '{ type: object, properties: { items: { type: array, items: {} }, total: { type: integer }, next: { type: string } } }'
  for (const small of [object('amount currency'), object('street town'), object('code message details'), page]) {
    expect({ small, found: await found({ components: `{ Small: ${small} }`, body: reference('Small') }) }).toEqual({
      small,
      found: [],
    })
    // The same where it is a part that a file holds for all of them.
    const body = (name: string): string => `{ type: object, properties: { ${name}: { $ref: 'shared.yaml#/Small' } } }`
    const other = { a: body('price'), b: body('fee'), c: body('refund') }
    expect({ small, found: await found({ shared: `Small: ${small}\n`, other }) }).toEqual({ small, found: [] })
  }
})

test('errors and what standards describe are to be the same everywhere', async () => {
  const error = object('timestamp status error message path')
  const problem = object('type title status detail instance')
  const answers = (schema: string): string =>
    `'201': { description: made }, '400': { description: no, content: { application/json: { schema: ${schema} } } }, ` +
    `default: { description: no, content: { application/json: { schema: ${schema} } } }`
  for (const schema of [error, problem])
    expect({ schema, found: await found({ answers: answers(schema) }) }).toEqual({ schema, found: [] })
  expect(await found({ body: error })).toHaveLength(1)
  for (const standard of [
    problem,
    object('specversion id source type time'),
    object('type geometry properties id bbox'),
  ])
    expect({ standard, found: await found({ body: standard }) }).toEqual({ standard, found: [] })
})

test('documents alone name no owner: all of them may be of one team', async () => {
  const { dir } = await checkFixture({ files: files({ body: customer }), marks: [] })
  const { findings } = await checkDocuments(
    owners.map((name) => `${dir}/${name}.openapi.yaml`),
    { env: {} },
  )
  expect(findings.length).toBeGreaterThan(0)
  expect(own(findings)).toEqual([])
})
