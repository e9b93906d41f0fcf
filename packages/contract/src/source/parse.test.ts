import { stringify } from 'yaml'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Findings } from '../findings/findings.ts'
import type { Node } from './node.ts'
import { plain } from './node.ts'
import { parseJson } from './parse-json.ts'
import { parseYaml } from './parse-yaml.ts'

function parse(parser: typeof parseJson, source: string) {
  const findings = new Findings()
  const node = parser('document', source, findings)
  return { node, findings: findings.sorted() }
}

/** JSON has `-0`, and so has JavaScript; they are written alike. */
const value = fc.jsonValue({ maxDepth: 6 }).map((one) => JSON.parse(JSON.stringify(one)) as unknown)

describe('JSON', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2, '\t'), (data, indent) => {
        const { node, findings } = parse(parseJson, JSON.stringify(data, null, indent))
        expect(findings).toEqual([])
        expect(node && plain(node)).toEqual(data)
      }),
      { numRuns: 500 },
    )
  })

  test('refuses what JSON.parse refuses, with a place', () => {
    let refused = 0
    fc.assert(
      fc.property(
        value,
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', "'", '\\', '\n', '0', 'x'),
        (data, where, put) => {
          const text = JSON.stringify(data)
          const at = where % (text.length + 1)
          const source = text.slice(0, at) + put + text.slice(at + 1)
          const valid = parses(source)
          const { findings } = parse(parseJson, source)
          const faults = findings.filter(({ id }) => id !== 'duplicate-key')
          expect(faults.length, `found: ${source}`).toBe(valid ? 0 : 1)
          if (!valid) refused++
        },
      ),
      { numRuns: 1000 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  test.each([
    ['{"a": 1,}', 1, 9, 'comma before the end'],
    ["{'a': 1}", 1, 2, 'a key must be text'],
    ['{"a": \'b\'}', 1, 7, 'single quotes'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma is missing'],
    ['{\n  "a" 1\n}', 2, 7, 'a colon is missing after `a`'],
    ['{"a": "b\n"}', 1, 7, 'does not end in its line'],
    ['{"a": 1} // note', 1, 10, 'something follows'],
    ['{"a": // note\n1}', 1, 7, 'no comments'],
    ['{"a": undefined}', 1, 7, '`undefined` is no JSON value'],
    ['{"a": 01}', 1, 7, 'no JSON value'],
    ['{"a": [1, 2', 1, 12, 'the document ends'],
    ['{"a": "\\x"}', 1, 8, 'is no escape'],
    ['{"a": 1, "a": 2}', 1, 10, 'written twice'],
    ['', 1, 1, 'empty'],
  ])('%j', (source, line, column, says) => {
    expect(parse(parseJson, source).findings).toMatchObject([{ line, column, message: expect.stringContaining(says) }])
  })

  test('is read in a time that grows with its length', () => {
    const schemas = Array.from(
      { length: 30_000 },
      (_, index) => `"S${index}":{"type":"object","properties":{"a":{"type":"string"}}}`,
    )
    const source = `{${schemas.join(',')}}`
    expect(source.length).toBeGreaterThan(1_500_000)
    const started = performance.now()
    expect(parse(parseJson, source).node?.kind).toBe('map')
    // 0.2 s here; a quadratic reader needs a minute.
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('YAML', () => {
  test('reads what was written, with the places of keys and values', () => {
    fc.assert(
      fc.property(value, (data) => {
        const source = stringify(data)
        const { node, findings } = parse(parseYaml, source)
        expect(findings.filter(({ id }) => id !== 'empty-document')).toEqual([])
        expect(node === undefined ? null : plain(node)).toEqual(data)
        if (node !== undefined) placesAreRight(node, source.split('\n'))
      }),
      { numRuns: 300 },
    )
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab:-[]{},&*!|>"\'#%@` \n\t?<<1'.split('')) }), (source) => {
        const { node, findings } = parse(parseYaml, source)
        expect(node !== undefined || findings.length > 0).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('keys are taken as written', () => {
    const { node } = parse(parseYaml, '200: a\n1.0: b\ntrue: c\nnull: d\n0x1F: e\n')
    expect(node && Object.keys(plain(node) as object).sort()).toEqual(['0x1F', '1.0', '200', 'null', 'true'])
  })
})

function placesAreRight(node: Node, lines: readonly string[]): void {
  if (node.kind !== 'map') return
  for (const [key, { keyAt, value: inner }] of node.entries) {
    const text = lines[keyAt.line - 1]?.slice(keyAt.column - 1) ?? ''
    // Quoted and multi-line keys begin with their quote or indicator.
    const begins = text.replace(/^["']/, '').startsWith(key)
    expect(begins || !/^[a-z]+$/i.test(key)).toBe(true)
    placesAreRight(inner, lines)
  }
}

function parses(source: string): boolean {
  try {
    JSON.parse(source)
    return true
  } catch {
    return false
  }
}
