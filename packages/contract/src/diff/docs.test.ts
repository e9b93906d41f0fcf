import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { diffSystems } from './diff-systems.ts'
import type { Side } from './load-side.ts'
import { loadSide } from './load-side.ts'
import type { DiffRule, Level } from './model.ts'
import { diffReport } from './render/human.ts'
import { diffRules } from './rules.ts'

/**
 * docs/diff is written from the table and the fixtures: `UPDATE_DOCS=1 npx vitest run packages/contract/src/diff/docs.test.ts`.
 * Without it, this test says which pages are not what they should be.
 */

const folder = fileURLToPath(new URL('../../../../docs/diff', import.meta.url))
const fixtures = fileURLToPath(new URL('fixtures', import.meta.url))

function load(id: string, side: 'base' | 'revision'): Side {
  const system = `${fixtures}/${id}/${side}/spandrel.yaml`
  const read = loadSide(
    existsSync(system) ? { system } : { documents: [{ name: 'orders', file: `${fixtures}/${id}/${side}.yaml` }] },
  )
  if (read.system === undefined) throw new Error(JSON.stringify(read.findings))
  return read
}

function text(id: string, side: 'base' | 'revision'): string[] {
  const system = `${fixtures}/${id}/${side}/spandrel.yaml`
  return readFileSync(existsSync(system) ? system : `${fixtures}/${id}/${side}.yaml`, 'utf8').split('\n')
}

/** The lines that differ, with two around them; pairs are small. */
function lineDiff(before: readonly string[], after: readonly string[]): string[] {
  const longest: number[][] = Array.from({ length: before.length + 1 }, () => Array<number>(after.length + 1).fill(0))
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const same = before[i] === after[j]
      const row = longest[i] as number[]
      row[j] = same ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(` ${before[i]}`)
      i++
      j++
    } else if (j >= after.length || (i < before.length && at(i + 1, j) >= at(i, j + 1))) lines.push(`-${before[i++]}`)
    else lines.push(`+${after[j++]}`)
  }
  const near = (index: number): boolean =>
    lines.slice(Math.max(0, index - 2), index + 3).some((line) => line[0] !== ' ')
  return lines.filter((_line, index) => near(index)).map((line) => line.trimEnd())
}

const levels: Readonly<Record<Level, string>> = {
  breaking: 'Breaking: a major version.',
  warning: 'A warning: it may break somebody, and the documents alone do not tell.',
  minor: 'Minor: something more is offered.',
  info: 'A remark: nobody has to do anything.',
}

function page(id: string, rule: DiffRule): string {
  const side = load(id, 'revision')
  const result = diffSystems(load(id, 'base'), side, { today: new Date('2026-11-22') })
  const only = {
    ...result,
    findings: result.findings.filter((one) => one.id === id),
    verdict: { ...result.verdict, documents: [] },
  }
  const report = diffReport(only, { base: `${fixtures}/${id}`, source: side.text })
    .split('\n')
    .slice(0, -1)
  while (report.at(-1) === '') report.pop()
  return [
    `# ${id}`,
    '',
    `${sentence(rule.law)} ${levels[rule.level]}${rule.strict === undefined ? '' : ` With \`--policy strict\`: ${rule.strict}.`}${rule.bump === undefined ? '' : ` The version it asks for is a ${rule.bump} one.`}`,
    '',
    '```diff',
    ...lineDiff(text(id, 'base'), text(id, 'revision')),
    '```',
    '',
    '```text',
    ...report,
    '```',
    '',
    rule.why,
    '',
    `**Instead:** ${rule.fix}.`,
    '',
    '[All changes](README.md)',
    '',
  ].join('\n')
}

function sentence(law: string): string {
  return `${law.charAt(0).toUpperCase()}${law.slice(1)}.`
}

const areas: Readonly<Record<string, string>> = {
  operation: 'HTTP operations',
  security: 'Security',
  schema: 'Schemas',
  message: 'Messages',
  guarantee: 'Guarantees',
  lifecycle: 'Lifecycle',
  system: 'spandrel.yaml',
}

function index(): string {
  const rules = Object.entries(diffRules)
  const tables = Object.entries(areas).flatMap(([area, title]) => [
    `## ${title}`,
    '',
    '| change | | what it means |',
    '|---|---|---|',
    ...rules
      .filter(([, rule]) => rule.area === area)
      .map(([id, { level, law }]) => `| [${id}](${id}.md) | ${level} | ${law} |`),
    '',
  ])
  return [...head(rules.length), ...tables].join('\n')
}

function head(count: number): string[] {
  return [
    '# What `spandrel diff` tells',
    '',
    '```console',
    '$ spandrel diff main',
    '```',
    '',
    `${count} kinds of change. Each has a page with an example and what to do instead; the examples are run by a test.`,
    '',
    '- **breaking**: somebody who kept to the old contract can fail. The next version is a major one.',
    '- **warning**: it may break somebody, and the documents alone do not tell.',
    '- **minor**: something more is offered or promised.',
    '- **info**: nobody has to do anything.',
    '',
    'What an application *receives* may become wider, never narrower. What it *sends* may become narrower, never wider.',
    'Where a table says what a change of an HTTP operation means, a webhook or callback is the other way round: there the',
    'application sends the request.',
    '',
  ]
}

function pages(): Map<string, string> {
  const all = new Map(Object.entries(diffRules).map(([id, rule]) => [`${id}.md`, page(id, rule)]))
  return all.set('README.md', index())
}

test('every kind of change has its page, written from the table and its fixtures; there are no others', () => {
  const wanted = pages()
  expect(wanted.size).toBeGreaterThan(90)
  if (process.env['UPDATE_DOCS'] !== undefined) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const [name, content] of wanted) writeFileSync(`${folder}/${name}`, content)
  }
  expect(readdirSync(folder).sort()).toEqual([...wanted.keys()].sort())
  const stale = [...wanted].filter(([name, content]) => readFileSync(`${folder}/${name}`, 'utf8') !== content)
  expect(stale.map(([name]) => name)).toEqual([])
})
