/** The list of formats is the runtime's, and where two independent libraries agree on a text, the runtime agrees. */
import { registerSchema, setShouldValidateFormat, validate } from '@hyperjump/json-schema/draft-2020-12'
import '@hyperjump/json-schema/formats-lite'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { FORMATS } from './formats.ts'

type Check = (value: unknown) => boolean

let formats: Record<string, Check>
beforeAll(async () => {
  // By address: this package does not depend on the runtime, it only writes files that do.
  ;({ formats } = await import(new URL('../../../runtime/src/contract/formats.ts', import.meta.url).href))
})

test('the list is the one of the runtime', () => {
  expect(Object.keys(FORMATS).toSorted()).toEqual(Object.keys(formats).toSorted())
})

/**
 * Texts to start from; they are also cut and mixed with each other. `hostname` is not among them: the judge for it
 * decodes international labels, which ours leaves alone.
 */
const SEEDS: Record<string, string[]> = {
  date: ['2024-02-29', '2023-02-29', '1999-12-31', '2024-13-01'],
  time: ['12:00:00Z', '23:59:60Z', '12:00:00.5+01:30', '24:00:00Z', '12:00:00'],
  'date-time': ['2024-02-29T12:00:00Z', '1990-12-31T23:59:60Z', '2024-02-30t12:00:00.123-08:00'],
  duration: ['P1Y2M3DT4H5M6S', 'P4W', 'PT36H', 'P1DT', 'P', 'PT1S'],
  email: ['a.b@example.org', 'joe.bloggs@example.com', '@example.org', 'a..b@example.org', 'a b@example.org'],
  ipv4: ['127.0.0.1', '256.1.1.1', '1.2.3', '087.10.0.1'],
  ipv6: ['::1', '1:2:3:4:5:6:7:8', 'fe80::a:b', '::ffff:192.168.0.1', '1::2::3', '12345::'],
  uri: [
    'http://user@example.org:80/a/b?c=d#e',
    'urn:isbn:123',
    'http://[::1]/',
    'mailto:a@b.c',
    '//a/b',
    'http://a b/',
  ],
  'uri-reference': ['/a/b?c#d', '../a', '#f', 'http://example.org/a', String.raw`\\a\b`],
  'uri-template': ['http://example.org/{id}', '{+path}/x', '{a,b*}', '{a:3}', '{a', 'a}'],
  uuid: [
    '2eb8aa08-aa98-11ea-b4aa-73b441d16380',
    '2EB8AA08-AA98-11EA-B4AA-73B441D16380',
    '2eb8aa08aa9811eab4aa73b441d16380',
  ],
  'json-pointer': ['/a/b~0c/~1', '', '/a~', 'a'],
  'relative-json-pointer': ['0', '1/a/b', '2#', '01/a', '-1'],
  regex: ['^a+$', '(a|b)', '(', '[a-z]{2}'],
}

function ajvCheck(format: string): Check {
  const found: unknown = (fullFormats as Record<string, unknown>)[format]
  const check = typeof found === 'object' && found !== null && 'validate' in found ? found.validate : found
  if (check instanceof RegExp) return (value) => new RegExp(check.source, check.flags).test(String(value))
  return check as Check
}

describe.each(Object.entries(SEEDS))('%s', (format, seeds) => {
  test('agrees where the judges do', async () => {
    const uri = `https://example.org/format/${format}`
    registerSchema({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'string', format }, uri)
    setShouldValidateFormat(true)
    const judge = await validate(uri)
    const ajv = ajvCheck(format)
    const verdicts = new Set<boolean>()
    const piece = fc.oneof(fc.constantFrom(...seeds), fc.constantFrom(...Array.from('0159aAzZ:/.-+@~#?{}[]%TPSYé \n')))
    const text = fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...seeds) },
      fc
        .tuple(fc.constantFrom(...seeds), fc.nat(40), fc.nat(3), piece)
        .map(([seed, at, cut, insert]) => seed.slice(0, at) + insert + seed.slice(at + cut)),
      fc
        .tuple(fc.constantFrom(...seeds), fc.nat(40), fc.nat(3))
        .map(([seed, at, cut]) => seed.slice(0, at) + seed.slice(at + cut)),
    )
    const disagreements = fc.sample(text, { numRuns: 3000, seed: 5 }).filter((each) => {
      const [one, two, ours] = [judge(each).valid, ajv(each), formats[format]?.(each)]
      verdicts.add(one)
      return one === two && ours !== one
    })
    expect([...new Set(disagreements)]).toEqual([])
    expect(verdicts).toEqual(new Set([true, false]))
  })
})
