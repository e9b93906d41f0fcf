import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { formatFinding } from '../findings/format-finding.ts'
import { Road } from '../../test/road.ts'

/** More of them by hand: 2000 take ten minutes. */
const runs = Number(process.env['SPANDREL_FUZZ_RUNS'] ?? 50)

const files = [
  'spandrel.yaml',
  'payments/spandrel.yaml',
  'orders/orders.openapi.yaml',
  'orders/orders.asyncapi.yaml',
  'payments/payments.openapi.yaml',
  'payments/payments.guarantees.yaml',
  'payments/payments.asyncapi.yaml',
  'ledger/ledger.asyncapi.yaml',
  'vendor/terms.guarantees.yaml',
  'shared.yaml',
]

type Holder = Record<string, unknown> | unknown[]

/** Every place in a document that can be replaced. */
function places(value: unknown): { holder: Holder; key: string }[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Holder
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...places((holder as Record<string, unknown>)[key])])
}

const anything = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, '', 'x', '$', '${', [], {}, [null], [[]], [{}], { $ref: '#' }),
  fc.constantFrom<unknown>(
    { $ref: '#/nowhere' },
    { $ref: 5 },
    { $ref: '' },
    { $ref: '#/info' },
    { $ref: '../shared.yaml' },
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

/** Whatever stands anywhere, the answer is findings: each at a place that exists, none of them a stack. */
test('any value in any place ends in findings', async () => {
  const { road } = await Road.copy()
  const texts = new Map<string, string>()
  for (const file of files) texts.set(file, await readFile(join(road.dir, file), 'utf8'))
  let faulty = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ file: fc.constantFrom(...files), where: fc.nat(), put: anything }), {
        minLength: 1,
        maxLength: 3,
      }),
      async (changes) => {
        const documents = new Map([...texts].map(([file, text]) => [file, parse(text) as unknown]))
        for (const { file, where, put } of changes) {
          const all = places(documents.get(file))
          const place = all[where % Math.max(all.length, 1)]
          // A list takes an index as well as an object takes a name.
          if (place !== undefined) (place.holder as Record<string, unknown>)[place.key] = put
        }
        for (const file of files)
          await road.write(file, stringify(documents.get(file), { aliasDuplicateObjects: false }))
        const { findings, system } = await road.load()
        if (system === undefined) faulty++
        expect(system === undefined).toBe(findings.some(({ severity }) => severity === 'error'))
        for (const finding of findings) {
          const lines = (await readFile(finding.file, 'utf8')).split('\n')
          expect(finding.line, `found: ${formatFinding(finding)}`).toBeLessThanOrEqual(lines.length)
          expect(finding.column).toBeLessThanOrEqual((lines[finding.line - 1]?.length ?? 0) + 1)
          expect(formatFinding(finding)).not.toMatch(/undefined|\[object|NaN|\n {4}at /)
        }
      },
    ),
    { numRuns: runs },
  )
  expect(faulty).toBeGreaterThan(runs / 3)
}, 600_000)
