/** Writes the tables of docs/verify/checks.md: the checks, and which defects each of them found. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { checks } from '../src/checks/all.ts'
import { messageChecks } from '../src/checks/all-messages.ts'
import type { Proof } from './prove.ts'
import { parcelBugs } from './parcels/bugs.ts'
import { parcelTwins } from './parcels/twins.ts'
import { printBugs } from './prints/bugs.ts'
import { printTwins } from './prints/twins.ts'
import { type Bug, bugs } from './servers/bugs.ts'
import { twins } from './twins.ts'

const page = fileURLToPath(new URL('../../../docs/verify/checks.md', import.meta.url))
const readme = fileURLToPath(new URL('../../../README.md', import.meta.url))

/** Of requests and of messages. */
export const allBugs: Readonly<Record<string, Bug>> = { ...bugs, ...parcelBugs, ...printBugs }
export const allTwins: Readonly<Record<string, { what: string }>> = { ...twins, ...parcelTwins, ...printTwins }

export async function writeChecksPage(proof: Proof): Promise<void> {
  const text = await readFile(page, 'utf8')
  await writeFile(page, between(between(text, 'checks', checksTable()), 'matrix', matrix(proof)))
  await writeFile(readme, between(await readFile(readme, 'utf8'), 'proof', proofTable(proof)))
}

function between(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`there is no ${begin} … ${end}`)
  return `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`
}

export function checksTable(): string {
  const rows = [...checks, ...messageChecks].map(({ id, member, promise }) => `| \`${id}\` | ${member} | ${promise} |`)
  return ['| check | of | what must hold |', '|---|---|---|', ...rows].join('\n')
}

function matrix({ defects, twins: correct }: Proof): string {
  if (Object.keys(defects).length === 0) return 'Not run yet.'
  const rows = Object.entries<Bug>(allBugs).map(([name, bug]) => {
    const runs = defects[name] ?? []
    const caught = runs.filter(({ found }) => found.includes(bug.failedBy)).length
    const also = [...new Set(runs.flatMap(({ found }) => found).map(checkOf))].filter(
      (one) => one !== checkOf(bug.failedBy),
    )
    return `| ${name} | ${bug.what} | \`${checkOf(bug.failedBy)}\` | ${caught} of ${runs.length} | ${also.map((one) => `\`${one}\``).join(', ')} |`
  })
  const twinRows = Object.entries<{ what: string }>(allTwins).map(([name, { what }]) => {
    const runs = correct[name] ?? []
    return `| ${name} | ${what} | ${runs.filter(({ found }) => found.length > 0).length} of ${runs.length} |`
  })
  return [
    '| defect | what is wrong | found by | runs | also found, and true of it |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '| correct server | what it is | runs with a false alarm |',
    '|---|---|---|',
    ...twinRows,
  ].join('\n')
}

/** The short form, for the README: by guarantee, how many defects there are and how many of their runs were found out. */
export function proofTable({ defects, twins: correct }: Proof): string {
  const all = [...checks, ...messageChecks]
  const memberOf = new Map<string, string>(all.map(({ id, member }) => [id, member]))
  const rows = [...new Set(all.map(({ member }) => member))].map((member) => {
    const own = Object.entries<Bug>(allBugs).filter(([, { failedBy }]) => memberOf.get(checkOf(failedBy)) === member)
    const runs = own.flatMap(([name, { failedBy }]) =>
      (defects[name] ?? []).map(({ found }) => found.includes(failedBy)),
    )
    const tests = all.filter((check) => check.member === member).length
    return `| ${member} | ${tests} | ${own.length} | ${runs.filter(Boolean).length} of ${runs.length} |`
  })
  const alarms = Object.values(correct).flat()
  return [
    '| guarantee | checks | servers with a defect | runs that named it |',
    '|---|---:|---:|---:|',
    ...rows,
    '',
    `${Object.keys(allTwins).length} correct servers of different makes: a false alarm in ${alarms.filter(({ found }) => found.length > 0).length} of ${alarms.length} runs.`,
  ].join('\n')
}

function checkOf(finding: string): string {
  return finding.slice(finding.indexOf('/') + 1)
}
