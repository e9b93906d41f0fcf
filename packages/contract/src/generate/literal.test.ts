import fc from 'fast-check'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Code, literal } from './literal.ts'
import { camelCase, memberAccess, Names, pascalCase, quoted } from './names.ts'

/** What the text means to JavaScript, as JSON: values of another realm are equal to none of this one. */
function meaning(text: string): unknown {
  return JSON.parse(runInNewContext(`JSON.stringify((${text}))`) as string)
}

describe('literal', () => {
  test('means the value it was made of, whatever that is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value))
        expect(meaning(literal(plain))).toEqual(plain)
      }),
      { numRuns: 500 },
    )
  })

  test('keeps a member named __proto__ a member', () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1},"constructor":2}')
    expect(meaning(literal(value))).toEqual(value)
  })

  test('leaves out what is undefined, and puts code in as it is', () => {
    expect(literal({ a: undefined, b: new Code('checkOrder'), 'c-d': [] })).toBe(`{ b: checkOrder, 'c-d': [] }`)
  })

  test('breaks what is long', () => {
    const long = Array.from({ length: 3 }, (_, index) => `${'x'.repeat(40)}${index}`)
    expect(literal({ long }).split('\n')).toHaveLength(7)
  })
})

describe('names', () => {
  test('any text becomes a string literal on one line that means it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(runInNewContext(quoted(text))).toBe(text)
        expect(quoted(text)).not.toMatch(/[\n\r\u2028\u2029]/)
      }),
      { numRuns: 500 },
    )
    expect(quoted(`it's "\u2028\\`)).toBe(String.raw`'it\'s "\u2028\\'`)
  })

  test.each([
    ['order-line', 'OrderLine', 'orderLine'],
    ['orderLine', 'OrderLine', 'orderLine'],
    ['order_line.v2', 'OrderLineV2', 'orderLineV2'],
    ['3ds', '_3ds', '_3ds'],
    ['größe', 'Größe', 'größe'],
    ['--', 'Unnamed', 'unnamed'],
  ])('%s is %s or %s', (text, pascal, camel) => {
    expect([pascalCase(text), camelCase(text)]).toEqual([pascal, camel])
  })

  test('any text becomes an identifier', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(() => runInNewContext(`let ${pascalCase(text)}`)).not.toThrow()
      }),
      { numRuns: 1000 },
    )
  })

  test('are given once', () => {
    const names = new Names(['Record'])
    expect(['Order', 'Record', 'Order', 'Order2', 'Order'].map((name) => names.claim(name))).toEqual([
      'Order',
      'Record2',
      'Order2',
      'Order22',
      'Order3',
    ])
  })

  test('of members', () => {
    expect(['orders', 'order-lines', '0'].map(memberAccess)).toEqual(['.orders', `['order-lines']`, `['0']`])
  })
})
