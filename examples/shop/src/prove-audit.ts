/**
 * Proves the audit: with each deliberate defect it must name the broken law within three seeds; without any, every
 * seed must pass.
 *
 *   node --conditions=spandrel-source examples/shop/src/prove-audit.ts [--for 30s] [--seeds 10] [--only keys-off,none]
 *
 * Each run is a process of its own, `npm start -- --for … --chaos --seed … --json`. About twelve minutes on two cores.
 * Exit code 1 where a defect was not found, or a seed without one failed.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { LAWS, type LawNumber } from './audit/audit.ts'
import type { Report } from './report.ts'
import { ALL_MUTANTS } from './run-days.ts'

/** Which law each defect breaks; the audit must name it. */
const BREAKS: Readonly<Record<(typeof ALL_MUTANTS)[number], LawNumber>> = {
  'keys-off': 4,
  'delete-before-confirm': 2,
  'settle-before-commit': 3,
  'any-record-suppresses': 4,
  'order-off': 7,
  'publish-after-commit': 4,
}

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: '30s' },
    seeds: { type: 'string', default: '10' },
    only: { type: 'string' },
  },
})
const chosen = values.only?.split(',') ?? ['none', ...ALL_MUTANTS]
const START = fileURLToPath(new URL('start.ts', import.meta.url))

async function run(seed: number, mutant?: string): Promise<{ code: number | null; report?: Report; errors: string }> {
  const child = spawn(
    process.execPath,
    ['--conditions=spandrel-source', START, '--for', values.for, '--chaos', '--seed', String(seed), '--json'],
    { env: { ...process.env, SPANDREL_MUTANT: mutant ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, errors, ...(output !== '' && { report: JSON.parse(output) as Report }) }
}

function broken(report: Report): string[] {
  return Object.entries(report.laws)
    .filter(([, ruling]) => ruling !== 'kept')
    .map(([law]) => law)
}

/** Without a defect: every seed passes. */
async function clean(): Promise<boolean> {
  let failed = 0
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const { code, report, errors } = await run(seed)
    if (code === 0 && report !== undefined) {
      console.log(
        `none      seed ${seed}: passed, ${report.orders.placed} placed, ${report.killsInFlight} of ${report.kills} kills in flight`,
      )
    } else {
      failed++
      console.log(
        `none      seed ${seed}: FAILED (exit ${code})\n${report === undefined ? errors : JSON.stringify(report, undefined, 2)}`,
      )
    }
  }
  return failed === 0
}

async function found(mutant: (typeof ALL_MUTANTS)[number]): Promise<boolean> {
  const law = LAWS[BREAKS[mutant]]
  for (let seed = 1; seed <= 3; seed++) {
    const { code, report, errors } = await run(seed, mutant)
    if (report === undefined) {
      console.log(`${mutant}  seed ${seed}: could not run (exit ${code})\n${errors}`)
      return false
    }
    const named = broken(report)
    console.log(
      `${mutant}  seed ${seed}: exit ${code}, broken: ${named.length === 0 ? 'nothing' : named.map((title) => Number.parseInt(title, 10)).join(', ')}`,
    )
    if (code === 1 && named.includes(law)) {
      console.log(`  ${law}: ${report.laws[law]}`)
      return true
    }
  }
  return false
}

let proved = true
for (const name of chosen) {
  const mutant = ALL_MUTANTS.find((one) => one === name)
  if (mutant === undefined && name !== 'none') throw new Error(`there is no mutant ${name}`)
  const good = mutant === undefined ? await clean() : await found(mutant)
  if (!good) console.log(`${name}: NOT PROVED`)
  proved &&= good
}
process.exitCode = proved ? 0 : 1
