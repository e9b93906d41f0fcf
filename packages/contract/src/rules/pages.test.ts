import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { formatFinding } from '../findings/format-finding.ts'
import { checkFixture, readFixture } from './fixture.ts'
import type { Rule } from './rule.ts'
import { structureFaults } from './structure-faults.ts'
import { rules } from './table.ts'

/**
 * docs/rules is written from the table and the fixtures: what a page shows was found by the rule it is about.
 * `UPDATE_DOCS=1 npx vitest run packages/contract/src/rules/pages.test.ts` writes it again.
 */
const folder = fileURLToPath(new URL('../../../../docs/rules', import.meta.url))

async function pageOf(rule: Rule): Promise<string> {
  const [bad, good] = [await readFixture(rule.id, 'bad'), await readFixture(rule.id, 'good')]
  const { dir, findings } = await checkFixture(bad)
  const found = findings
    .filter(({ id }) => id === rule.id)
    .map((finding) => formatFinding(finding, { base: dir, source: bad.files.get(finding.file.slice(dir.length + 1)) }))
  const marked = new Set(bad.marks.map((mark) => mark.split(':')[0] ?? ''))
  const changed = [...bad.files].filter(([path, text]) => marked.has(path) || good.files.get(path) !== text)
  const mended = [...good.files].filter(([path, text]) => bad.files.get(path) !== text)
  const gone = [...bad.files.keys()].filter((path) => !good.files.has(path))
  const fence = ([path, text]: readonly [string, string]): string =>
    `\`${path}\`\n\n\`\`\`${languageOf(path)}\n${text.trimEnd()}\n\`\`\`\n`
  const facts = `Severity ${rule.severity} · area ${rule.area} · reads ${rule.formats.join(', ')}`
  return [
    `# ${rule.id}\n`,
    `${sentence(rule.law)}\n`,
    `${facts}\n`,
    ...changed.map(fence),
    `\`\`\`text\n${found.join('\n\n')}\n\`\`\`\n`,
    '## Why\n',
    `${rule.why}\n`,
    '## What to do\n',
    `${sentence(rule.fix)}\n`,
    ...(gone.length > 0 ? [`Without ${gone.map((path) => `\`${path}\``).join(', ')} nothing is found.\n`] : []),
    ...(mended.length > 0 ? ['This is fine:\n', ...mended.map(fence)] : []),
  ].join('\n')
}

function indexPage(): string {
  const areas = [...Map.groupBy(rules, ({ area }) => area)].map(([area, members]) => {
    const rows = members.map(({ id, severity, law }) => `| [${id}](${id}.md) | ${severity} | ${law} |`)
    return `## ${sentence(area).slice(0, -1)}\n\n| rule | severity | what must hold |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  const structure = Object.entries(structureFaults).map(([id, law]) => `| \`${id}\` | ${law} |`)
  return [
    introduction,
    ...areas,
    `## Structure\n\nFaults of one document. While there are any, no rule is applied.\n\n| id | what is wrong |\n|---|---|\n${structure.join('\n')}\n`,
  ].join('\n')
}

const introduction = `# Rules

\`spandrel check\` reads contracts, and then asks whether everything they promise can be true together. Each rule has an
id, a page here, and \`spandrel explain <rule>\` in the terminal.

## How much a rule counts

\`\`\`yaml
version: 1
system: shop
check:
  severities:
    poll-without-push: info
    crud-forces-n-plus-1: off
  acknowledged:
    - rule: sync-chain
      subject: payments
      owner: team-payments
      reason: the card network offers nothing else
      until: '2027-01-31'
\`\`\`

\`severities\` changes what a rule counts for in the whole system: \`error\`, \`warning\`, \`info\`, or \`off\`. Errors and warnings
end \`check\` with 1. A rule is one policy for all, so only the root's \`spandrel.yaml\` sets it.

\`acknowledged\` lets one finding stay for a while. \`subject\` is what the finding is about, as \`--json\` shows it: a service,
an operation (\`orders.placeOrder\`), a workflow, or an edge (\`orders → payments.quotePrice\`). A service stands for all of
its operations. After \`until\` the finding counts again, and [acknowledgement-expired](acknowledgement-expired.md) says
whose it was.

A document without any \`x-guarantees\` is not scolded for each operation: what is missing in it is one remark a rule.
`

function languageOf(path: string): string {
  return path.endsWith('.json') ? 'json' : path.endsWith('.js') ? 'js' : 'yaml'
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

test('docs/rules has a page for each rule, written from the table and its fixtures', async () => {
  const pages = new Map<string, string>([['README.md', indexPage()]])
  for (const rule of rules) pages.set(`${rule.id}.md`, await pageOf(rule))
  if (process.env['UPDATE_DOCS'] !== undefined) {
    await mkdir(folder, { recursive: true })
    for (const [name, text] of pages) await writeFile(join(folder, name), text)
  }
  expect((await readdir(folder)).toSorted()).toEqual([...pages.keys()].toSorted())
  const stale: string[] = []
  for (const [name, text] of pages) if ((await readFile(join(folder, name), 'utf8')) !== text) stale.push(name)
  expect(stale).toEqual([])
  expect(pages.size).toBeGreaterThan(30)
})
