import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Findings } from '../findings/findings.ts'
import { checkShape } from '../shape/check-shape.ts'
import { alternatives } from '../shape/expectation.ts'
import type { Shape } from '../shape/shape.ts'
import { entriesOf, field } from '../source/node.ts'
import { parseYaml } from '../source/parse-yaml.ts'
import { systemShape } from '../system/structure.ts'
import { members, xGuarantees } from './x-guarantees.ts'
import { xIntegration } from './x-integration.ts'
import { xProbe } from './x-probe.ts'

/** docs/guarantees says what the schemas say: examples are valid, and every member is explained. */

const folder = fileURLToPath(new URL('../../../../docs/guarantees', import.meta.url))
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'))
const keys: Record<string, Shape> = { 'x-guarantees': xGuarantees, 'x-integration': xIntegration, 'x-probe': xProbe }

function page(name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}

function examples(text: string): string[] {
  return [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, code = '']) => code)
}

test.each(pages)('the examples of %s are valid', (name) => {
  const found = examples(page(name))
  expect(found.length).toBeGreaterThan(0)
  for (const example of found) {
    const findings = new Findings()
    const node = parseYaml(name, example, findings)
    const parts = entriesOf(node)
    expect(parts.length).toBeGreaterThan(0)
    if (field(node, 'version') !== undefined && node !== undefined) {
      checkShape(node, systemShape, name, { definitions: {}, findings })
    } else {
      for (const [key, { value }] of parts) {
        const shape = keys[key]
        if (shape === undefined)
          throw new Error(`${name} has an example with \`${key}\`, which this test does not know`)
        checkShape(value, shape, key, { definitions: {}, findings })
      }
    }
    expect(findings.sorted(), `found: ${example}`).toEqual([])
  }
})

test.each([...Object.entries(members), ['x-integration', xIntegration] as const, ['x-probe', xProbe] as const])(
  '%s has a page with all of its members and values',
  (name, shape) => {
    const text = page(`${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.md`)
    expect(text.startsWith(`# ${name}\n`)).toBe(true)
    const missing = [...words(shape)].filter((word) => !text.includes(word))
    expect(missing).toEqual([])
  },
)

test('spandrel.yaml has a page with all of its keys', () => {
  const text = page('spandrel-yaml.md')
  expect([...words(systemShape)].filter((word) => !text.includes(word))).toEqual([])
})

test('the list of guarantees links to every page', () => {
  const index = page('README.md')
  expect(pages.filter((name) => name !== 'README.md' && !index.includes(`(${name})`))).toEqual([])
})

/** Names of members and values, at any depth. */
function words(shape: Shape): Set<string> {
  const found = new Set<string>()
  for (const branch of alternatives(shape, {})) {
    for (const value of branch.enum ?? []) found.add(String(value))
    const properties = Object.entries(branch.properties ?? {})
    for (const [key, inner] of properties) {
      found.add(key)
      for (const word of words(inner)) found.add(word)
    }
    const others = [branch.items, branch.additionalProperties, ...Object.values(branch.patternProperties ?? {})]
    for (const inner of others) if (typeof inner === 'object') for (const word of words(inner)) found.add(word)
  }
  return found
}
