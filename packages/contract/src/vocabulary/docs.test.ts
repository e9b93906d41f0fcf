import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { diffRules } from '../diff/rules.ts'
import { Findings } from '../findings/findings.ts'
import { checkShape } from '../shape/check-shape.ts'
import { alternatives } from '../shape/expectation.ts'
import type { Shape } from '../shape/shape.ts'
import { entriesOf, field } from '../source/node.ts'
import type { Entry, Node } from '../source/node.ts'
import { parseYaml } from '../source/parse-yaml.ts'
import { rules } from '../rules/table.ts'
import { systemShape } from '../system/structure.ts'
import { members, xGuarantees } from './x-guarantees.ts'
import { xIntegration } from './x-integration.ts'
import { xProbe } from './x-probe.ts'

/** docs/guarantees says what the schemas say: examples are valid, and every member is explained. */

const folder = fileURLToPath(new URL('../../../../docs/guarantees', import.meta.url))
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'))
const keys: Record<string, Shape> = { 'x-guarantees': xGuarantees, 'x-integration': xIntegration, 'x-probe': xProbe }

/** Parts of whole documents: what is ours in them is checked. */
const formats = new Set(['paths', 'webhooks', 'callbacks', 'operations', 'components'])

function ours(node: Node): [string, Entry][] {
  return entriesOf(node).flatMap((part) => (keys[part[0]] === undefined ? ours(part[1].value) : [part]))
}

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
      for (const [key, { value }] of parts.flatMap((part) => (formats.has(part[0]) ? ours(part[1].value) : [part]))) {
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

/** `deadLetter` → `dead-letter` */
const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

test.each(Object.keys(members))('%s: meaning, both formats, on the wire, and what breaks it', (name) => {
  const text = page(`${kebab(name)}.md`)
  const [meaning = '', both = '', wire = '', breaks = '', ...more] = text.split(
    /^## (?:In both formats|On the wire|What breaks it)\n/m,
  )
  expect(more).toEqual([])
  expect([meaning, both, wire, breaks].map((part) => part.trim().length > 60)).toEqual([true, true, true, true])
  expect(both).toMatch(/OpenAPI:\n[\s\S]+AsyncAPI:\n/)
  expect(examples(both).length).toBeGreaterThan(0)
  // Every kind of change of this guarantee that the table of diff has, and no page that does not exist.
  const wanted = Object.entries(diffRules)
    .filter(([id, { area }]) => area === 'guarantee' && id.startsWith(`${kebab(name)}-`))
    .map(([id]) => id)
  expect(wanted.length).toBeGreaterThan(0)
  const linked = [...breaks.matchAll(/\.\.\/diff\/([a-z-]+)\.md/g)].map(([, id = '']) => id)
  expect(wanted.filter((id) => !linked.includes(id))).toEqual([])
  expect(linked.filter((id) => diffRules[id] === undefined)).toEqual([])
  const asked = [...breaks.matchAll(/\.\.\/rules\/([a-z0-9-]+)\.md/g)].map(([, id = '']) => id)
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.filter((id) => !rules.some((rule) => rule.id === id))).toEqual([])
})

test('every page of a guarantee is about a member of the vocabulary', () => {
  const others = ['README.md', 'spandrel-yaml.md', 'x-integration.md', 'x-probe.md']
  const wanted = [...Object.keys(members).map((name) => `${kebab(name)}.md`), ...others]
  expect([...pages].sort()).toEqual(wanted.sort())
})

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
