/**
 * `npm run compare:diff`: `redocly diff`, `@asyncapi/diff` and `spandrel diff` on the same 60 changes, into
 * docs/diff-comparison.md. The other two are installed into a temporary folder, in the versions named here.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diffSystems, loadSide } from '@spandrel/contract'
import { type Mutation, mutations } from './mutations.ts'

const REDOCLY = '2.77.0'
const ASYNCAPI = '0.5.0'
const asyncapiPackage = '@asyncapi/diff'
const page = fileURLToPath(new URL('../../docs/diff-comparison.md', import.meta.url))

/** `yes`, it breaks; `no`, it does not; `?`, it does not say; `-`, it does not read such documents. */
type Answer = 'yes' | 'no' | '?' | '-'

interface AsyncDiff {
  diff: (
    base: unknown,
    revision: unknown,
  ) => Record<'breaking' | 'nonBreaking' | 'unclassified', () => readonly unknown[]>
}

const folder = mkdtempSync(join(tmpdir(), 'spandrel-compare-'))
try {
  console.log(`installing @redocly/cli ${REDOCLY} and @asyncapi/diff ${ASYNCAPI} into a temporary folder`)
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const packages = [`@redocly/cli@${REDOCLY}`, `${asyncapiPackage}@${ASYNCAPI}`]
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
  execFileSync('npm', ['install', ...options, ...packages], { cwd: folder, stdio: 'ignore' })
  const require = createRequire(join(folder, 'package.json'))
  const { diff } = require(asyncapiPackage) as AsyncDiff
  const rows = mutations.map((mutation, index) => {
    const files = ['base', 'revision'].map((side) => join(folder, `${side}.json`)) as [string, string]
    for (const [at, content] of [mutation.base, mutation.revision].entries()) {
      writeFileSync(files[at] as string, JSON.stringify(content, undefined, 2))
    }
    process.stdout.write(`\r${index + 1} of ${mutations.length}`)
    return { mutation, ours: ours(files), redocly: redocly(files), asyncapi: asyncapi(mutation, diff) }
  })
  console.log()
  writeFileSync(page, table(rows))
  console.log(readFileSync(page, 'utf8').split('\n').slice(0, 24).join('\n'))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function ours([base, revision]: readonly [string, string]): Answer {
  const sides = [base, revision].map((file) => loadSide({ documents: [{ name: 'orders', file }] }))
  const [before, after] = sides
  if (before?.system === undefined || after?.system === undefined) {
    throw new Error(JSON.stringify(sides.map(({ findings }) => findings)))
  }
  const { findings } = diffSystems(before, after)
  if (findings.some(({ level }) => level === 'breaking')) return 'yes'
  return findings.some(({ level }) => level === 'warning') ? '?' : 'no'
}

function redocly(files: readonly [string, string]): Answer {
  const bin = join(folder, 'node_modules/.bin/redocly')
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const { stdout } = spawnSync(bin, ['diff', ...files, '--format=json'], { encoding: 'utf8', env })
  try {
    const { summary } = JSON.parse(stdout) as { summary: { major: number } }
    return summary.major > 0 ? 'yes' : 'no'
  } catch {
    return '-'
  }
}

function asyncapi({ kind, base, revision }: Mutation, diff: AsyncDiff['diff']): Answer {
  if (kind === 'openapi') return '-'
  const output = diff(base, revision)
  if (output.breaking().length > 0) return 'yes'
  return output.unclassified().length > 0 ? '?' : 'no'
}

interface Row {
  readonly mutation: Mutation
  readonly ours: Answer
  readonly redocly: Answer
  readonly asyncapi: Answer
}

function table(rows: readonly Row[]): string {
  const tools = ['ours', 'redocly', 'asyncapi'] as const
  const right = (row: Row, tool: (typeof tools)[number]): boolean => row[tool] === (row.mutation.breaks ? 'yes' : 'no')
  const cell = (row: Row, tool: (typeof tools)[number]): string =>
    right(row, tool) || row[tool] === '-' ? row[tool] : `**${row[tool]}**`
  const groups = [...new Set(rows.map(({ mutation }) => mutation.group))]
  const score = (some: readonly Row[], tool: (typeof tools)[number]): string => {
    const read = some.filter((row) => row[tool] !== '-')
    return read.length === 0 ? '-' : `${read.filter((row) => right(row, tool)).length} of ${read.length}`
  }
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const header = (first: readonly string[]): string[] => {
    const cells = [...first, '`spandrel diff`', `\`redocly diff\` ${REDOCLY}`, `\`@asyncapi/diff\` ${ASYNCAPI}`]
    return [line(cells), `|${'---|'.repeat(cells.length)}`]
  }
  return [
    '# Three tools on the same changes',
    '',
    `${rows.length} changes: ${mutations.length - 12} of schemas, by direction, and 12 of guarantees. A change breaks where somebody who kept`,
    'to the old contract can fail; that follows from the direction alone. The list is ours; another one would give other',
    'figures. Written by `npm run compare:diff`.',
    '',
    'Right answers:',
    '',
    ...header(['']),
    ...groups.map((group) => {
      const some = rows.filter(({ mutation }) => mutation.group === group)
      return line([group, ...tools.map((tool) => score(some, tool))])
    }),
    line(['all', ...tools.map((tool) => score(rows, tool))]),
    '',
    'Does it break? `?` means that the tool does not say, `-` that it does not read such documents. Wrong answers are bold.',
    'The others do not know guarantees, and do not claim to.',
    '',
    ...groups.flatMap((group) => [
      `## ${group.charAt(0).toUpperCase()}${group.slice(1)}`,
      '',
      ...header(['change', 'breaks']),
      ...rows
        .filter(({ mutation }) => mutation.group === group)
        .map((row) => {
          const { name, breaks } = row.mutation
          return line([name, breaks ? 'yes' : 'no', ...tools.map((tool) => cell(row, tool))])
        }),
      '',
    ]),
  ].join('\n')
}
