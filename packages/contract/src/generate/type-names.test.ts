/** What schemas are called in a generated file, also where names collide or refer to themselves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateService } from './generate.ts'
import { message, operation, send, service, system } from '../../test/generate/model-fixture.ts'
import { STRICTEST, typeScriptProject, type TypeScriptProject } from '../../test/generate/typescript-project.ts'

let project: TypeScriptProject
beforeAll(async () => {
  project = await typeScriptProject()
})
afterAll(() => project[Symbol.asyncDispose]())

describe('names', () => {
  const text = (sketch: Parameters<typeof service>[1], ...others: ReturnType<typeof service>[]): string =>
    generateService(system('shop', [service('order-desk', sketch), ...others]), 'order-desk')
  const typesOf = (source: string): string[] =>
    [...source.matchAll(/^export type (\S+) =/gm)].map((found) => found[1] ?? '')

  test('collisions get numbers, in the order of the documents', async () => {
    const source = text({
      schemas: {
        'order-line': { type: 'object', properties: { a: true } },
        OrderLine: { type: 'object', properties: { b: true } },
      },
      sends: [
        send('s', 'c', [message('one', { $ref: '#/$defs/OrderLine' }), message('two', { $ref: '#/$defs/order-line' })]),
      ],
    })
    expect(typesOf(source)).toEqual(['OrderLine', 'OrderLine2', 'OrderDeskTypes'])
    expect(source).toContain('one: OrderLine\n')
    expect(source).toContain('two: OrderLine2\n')
  })

  test('a schema keeps its name where the generator wanted it, and reserved words are stepped around', async () => {
    const object = { type: 'object', properties: { x: { type: 'string' } } }
    const names = [
      'Record',
      'Promise',
      'Exclude',
      'ServiceContract',
      'Error',
      'Response',
      '3ds',
      'class',
      'Größe',
      '注文',
      'a b',
    ]
    const doIt = operation('do', 'POST', '/do', {
      body: {
        type: 'object',
        properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }])),
      },
      answers: { 200: { $ref: '#/$defs/DoAnswer' }, default: { $ref: '#/$defs/Record' } },
    })
    const source = text(
      {
        schemas: {
          ...Object.fromEntries(names.map((name) => [name, object])),
          DoAnswer: object,
          OrderDeskTypes: object,
        },
        operations: [doIt],
        sends: [send('delete', 'c', [message('default', { $ref: '#/$defs/OrderDeskTypes' })])],
        uses: { 'class.do': doIt },
      },
      service('class', {
        schemas: { ...Object.fromEntries(names.map((name) => [name, object])), DoAnswer: object },
        operations: [doIt],
      }),
    )
    await project.write({ 'src/orders.contract.ts': source, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(typesOf(source)).toEqual(
      expect.arrayContaining(['Record2', 'Promise2', 'Error', '_3ds', 'Class', 'Größe', 'AB', 'DoAnswer', 'DoAnswer2']),
    )
  })

  test("a provider's schema shares a type that is the same, and is called after the provider where it is not", () => {
    const inner = { type: 'object', properties: { a: { $ref: '#/$defs/Deep' } } }
    const get = operation('get', 'GET', '/x', {
      answers: { 200: { $ref: '#/$defs/Same' }, 201: { $ref: '#/$defs/Other' }, 202: { $ref: '#/$defs/Near' } },
    })
    const deep = { type: 'object', properties: { d: { type: 'string' } } }
    const own = {
      Same: { type: 'object', properties: { s: true } },
      Other: { type: 'object', properties: { own: true } },
      Near: inner,
      Deep: deep,
    }
    const theirs = {
      ...own,
      Other: { type: 'object', properties: { theirs: true } },
      Deep: { type: 'object', properties: { d: { type: 'number' } } },
    }
    const source = text(
      {
        schemas: own,
        sends: [
          send(
            's',
            'c',
            Object.keys(own).map((name) => message(`${name}Sent`, { $ref: `#/$defs/${name}` })),
          ),
        ],
        uses: { 'pay.get': get },
      },
      service('pay', { schemas: theirs, operations: [get] }),
    )
    expect(typesOf(source).filter((name) => !/Types|Input|Answer/.test(name))).toEqual([
      'Same',
      'Other',
      'Near',
      'Deep',
      'PayOther',
      'PayNear',
      'PayDeep',
    ])
  })

  test('inner schemas with a title get types of their own; plain strings do not', () => {
    const source = text({
      sends: [
        send('s', 'c', [
          message('placed', {
            type: 'object',
            properties: {
              card: { title: 'Payment card', type: 'object', properties: { no: { title: 'Number', type: 'string' } } },
              spare: { title: 'Payment card', type: 'object', properties: { no: { title: 'Number', type: 'string' } } },
              kind: { title: 'Kind', enum: ['a', 'b'] },
            },
          }),
        ]),
      ],
    })
    expect(typesOf(source)).toEqual(['Placed', 'PaymentCard', 'Kind', 'OrderDeskTypes'])
  })

  test('recursion through members, arrays, choices and aliases compiles', async () => {
    const source = text({
      schemas: {
        Tree: {
          type: 'object',
          properties: {
            kids: { type: 'array', items: { $ref: '#/$defs/Tree' } },
            by: { additionalProperties: { $ref: '#/$defs/Tree' } },
          },
        },
        Json: {
          anyOf: [
            { type: ['string', 'number', 'boolean', 'null'] },
            { type: 'array', items: { $ref: '#/$defs/Json' } },
            { type: 'object', additionalProperties: { $ref: '#/$defs/Json' } },
          ],
        },
        Ping: { anyOf: [{ $ref: '#/$defs/Pong' }, { type: 'string' }] },
        Pong: { anyOf: [{ $ref: '#/$defs/Ping' }, { type: 'number' }] },
        Self: { $ref: '#/$defs/Self' },
        Both: { allOf: [{ $ref: '#/$defs/Both' }, { type: 'object', properties: { a: { $ref: '#/$defs/Both' } } }] },
        Titled: { oneOf: [{ title: 'Wrapped', allOf: [{ $ref: '#/$defs/Titled' }] }, { type: 'null' }] },
        Pair: {
          type: 'array',
          prefixItems: [{ $ref: '#/$defs/Pair' }, { anyOf: [{ $ref: '#/$defs/Tree' }, { type: 'null' }] }],
        },
      },
      sends: [
        send(
          's',
          'c',
          ['Tree', 'Json', 'Ping', 'Pong', 'Both', 'Titled', 'Pair'].map((name) =>
            message(name, { $ref: `#/$defs/${name}` }),
          ),
        ),
      ],
    })
    await project.write({ 'src/orders.contract.ts': source, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
  })
})
