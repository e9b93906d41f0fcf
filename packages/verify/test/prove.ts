/**
 * Proves the prover: every defect of servers/bugs.ts is failed by the check named for it, in every run, and by nothing
 * that is not listed as true of it; correct servers are failed by nothing. Writes what it saw to proof.json, after each
 * run, and goes on from there; then the tables of docs/verify/checks.md.
 *
 *   npm run prove:verify                      10 runs of each defect, 50 of each twin
 *   npm run prove:verify -- --runs 1 --twins 1
 *   npm run prove:verify -- --only hangs,python --anew   these, from the beginning; the others stay as they are
 *   npm run prove:verify -- --parallel 3      so many at once; default 6
 *   npm run prove:verify -- --page            only writes the tables
 */
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../cli/src/embedded/index.ts'
import { failures, findingsOfBug } from './attack-server.ts'
import { allBugs, allTwins, writeChecksPage } from './checks-page.ts'
import { attackParcels } from './parcels/attack-parcels.ts'
import { type ParcelBug, type ParcelBugFacts, parcelBugs } from './parcels/bugs.ts'
import { parcelTwins } from './parcels/twins.ts'
import { attackPrints } from './prints/attack-prints.ts'
import { type PrintBug, printBugs } from './prints/bugs.ts'
import { printTwins } from './prints/twins.ts'
import { type Bug, type BugName, bugs } from './servers/bugs.ts'
import { attackTwin, type TwinName, twins } from './twins.ts'

export interface ProofRun {
  seed: number
  ms: number
  found: string[]
  /** what was checked out; absent: nobody noted it */
  commit?: string
  /** tracked files had changes that are in no commit */
  dirty?: boolean
}

export interface Proof {
  node: string
  defects: Record<string, ProofRun[]>
  twins: Record<string, ProofRun[]>
}

const file = fileURLToPath(new URL('proof.json', import.meta.url))
const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    twins: { type: 'string' },
    page: { type: 'boolean' },
    anew: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    parallel: { type: 'string' },
  },
})
const parallel = Number(values.parallel ?? 6)
if (!Number.isInteger(parallel) || parallel < 1) throw new Error(`--parallel ${values.parallel} is no number of runs`)
const known = [...Object.keys(allBugs), ...Object.keys(allTwins)]
// A name may have a comma itself.
const only = values.only?.flatMap((text) => (known.includes(text) ? [text] : text.split(',')))
for (const name of only ?? []) {
  if (!known.includes(name)) throw new Error(`--only ${name}: there is ${known.join(', ')}`)
}
const chosen = (name: string): boolean => only === undefined || only.includes(name)
const proof: Proof = await readFile(file, 'utf8').then((text) => JSON.parse(text) as Proof, empty)
for (const all of [proof.defects, proof.twins]) {
  // What is no longer there proves nothing.
  for (const name of Object.keys(all))
    if (!known.includes(name) || (values.anew === true && chosen(name))) delete all[name]
}
const written = ['packages/verify/test/proof.json', 'docs/verify/checks.md', 'README.md']
const checkedOut = {
  commit: git('rev-parse', '--short=10', 'HEAD'),
  // What it writes itself is no change of what it proves.
  dirty: git('status', '--porcelain', '--untracked-files=no', '--', '.', ...written.map((one) => `:!${one}`)) !== '',
}

interface Job {
  list: ProofRun[]
  work: (seed: number) => Promise<string[]>
  name: string
  /** which part of all its runs is done before it */
  share: number
}

// Most of a run is processes that start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../../../node_modules/.cache/spandrel-tests', import.meta.url),
)

const jobs: Job[] = []
const postgres =
  values.page === true ? undefined : await startPostgres({ settings: { fsync: 'off', max_connections: '500' } })
if (postgres !== undefined) {
  const [runs, twinRuns] = [Number(values.runs ?? 10), Number(values.twins ?? 50)]
  const add = (all: Proof['defects'], name: string, count: number, work: Job['work']): void => {
    if (!chosen(name)) return
    const list = (all[name] ??= [])
    for (let at = list.length; at < count; at++) jobs.push({ list, name, work, share: at / count })
  }
  const { defects, twins: correct } = proof
  for (const name of Object.keys(bugs) as BugName[])
    add(defects, name, runs, async (seed) => await findingsOfBug(name, { seed }))
  for (const [name, { needs, contract }] of Object.entries<ParcelBugFacts>(parcelBugs)) {
    const pushed = needs === 'push' && { push: 'binary' as const }
    const given = { bug: name as ParcelBug, contract, carrier: true, ...pushed }
    add(defects, name, runs, async (seed) => failures((await attackParcels(postgres.url(), { ...given, seed })).report))
  }
  for (const name of Object.keys(printBugs) as PrintBug[])
    add(defects, name, runs, async (seed) => failures((await attackPrints(postgres.url(), { bug: name, seed })).report))
  for (const [name, { attack }] of [...Object.entries(parcelTwins), ...Object.entries(printTwins)])
    add(correct, name, twinRuns, async (seed) => failures((await attack(postgres.url(), seed)).report))
  for (const name of Object.keys(twins) as TwinName[])
    add(correct, name, twinRuns, async (seed) => (await attackTwin(name, seed)).found)
}

// Runs mostly wait: six at once keep two processors half busy.
// In rounds: wherever it is stopped, everything has been run about as often as it should be by then.
const queue = jobs.toSorted((one, other) => one.share - other.share)
let done = 0
await Promise.all(
  Array.from({ length: parallel }, async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const seed = randomInt(1, 2 ** 31)
      const began = performance.now()
      const found = await job.work(seed)
      job.list.push({ seed, ms: Math.round(performance.now() - began), found, ...checkedOut })
      proof.node = process.version
      save()
      done++
      process.stderr.write(`${done} of ${jobs.length}  ${job.name}: ${found.join(', ') || 'nothing found'}\n`)
    }
  }),
)

await postgres?.close()

const faults: string[] = []
for (const [name, bug] of Object.entries<Bug>(allBugs)) {
  const runs = proof.defects[name] ?? []
  const missed = runs.filter(({ found }) => !found.includes(bug.failedBy))
  if (runs.length === 0) faults.push(`${name} was not run`)
  if (missed.length > 0)
    faults.push(
      `${name}: missed by ${bug.failedBy} in ${missed.length} of ${runs.length} runs, seeds ${missed.map(({ seed }) => seed).join(', ')}`,
    )
  const other = new Set(
    runs.flatMap(({ found }) => found).filter((one) => one !== bug.failedBy && !bug.also?.includes(one)),
  )
  if (other.size > 0) faults.push(`${name}: also found, and not listed: ${[...other].join(', ')}`)
}
for (const name of Object.keys(allTwins)) {
  const runs = proof.twins[name] ?? []
  if (runs.length === 0) faults.push(`${name} was not run`)
  for (const { seed, found } of runs)
    if (found.length > 0) faults.push(`${name} is correct, and with seed ${seed} it was failed by ${found.join(', ')}`)
}
await writeChecksPage(proof)
for (const fault of faults) console.error(fault)
console.log(
  `${Object.keys(allBugs).length} defects, ${Object.keys(allTwins).length} correct servers, ${count(proof)} runs: ${faults.length === 0 ? 'as it should be' : `${faults.length} faults`}`,
)
// Not left to the end of all work: after 1,510 runs Node 24 once waited for ever for a handle of its own to close.
process.exit(faults.length === 0 ? 0 : 1)

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', cwd: new URL('../../..', import.meta.url) }).trim()
}

function empty(): Proof {
  return { node: process.version, defects: {}, twins: {} }
}

/** At once and whole: runs end together, and may be stopped at any time. */
function save(): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(proof)}\n`)
  renameSync(`${file}.new`, file)
}

function count({ defects, twins: correct }: Proof): number {
  return [...Object.values(defects), ...Object.values(correct)].reduce((sum, runs) => sum + runs.length, 0)
}
