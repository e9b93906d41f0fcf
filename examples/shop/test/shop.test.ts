/** The whole road, as a user starts it: `npm start -- …`, real processes, real kills, and the audit's verdict. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { LAWS } from '../src/audit/audit.ts'
import type { Report } from '../src/report.ts'

const START = fileURLToPath(new URL('../src/start.ts', import.meta.url))
// Everything a run starts has this folder in its environment or among its arguments.
const folder = join(tmpdir(), `shop-test-${process.pid}`)
mkdirSync(folder)
chmodSync(folder, 0o755) // Postgres may run as somebody else
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  code: number | null
  output: string
  errors: string
}

function start(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=spandrel-source', START, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output, errors })))
}

/** Processes that were started for the shop and are still there. */
function left(): string[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8')
    } catch {
      return '' // gone, or not ours
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => `${read(pid, 'environ')}${read(pid, 'cmdline')}`.includes(folder))
    .map((pid) => read(pid, 'cmdline').replaceAll('\0', ' '))
}

describe('npm start', () => {
  it('survives chaos: nothing lost, nothing twice, every law kept', { timeout: 180_000 }, async () => {
    const report = join(folder, 'report.json')
    const ended = await start(['--for', '10s', '--chaos', '--seed', '7', '--json', '--report', report])
    expect(ended).toMatchObject({ code: 0 })
    const document = JSON.parse(ended.output) as Report
    expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(document)
    expect(Object.keys(document)).toEqual([
      'seed', 'seconds', 'orders', 'kills', 'killsInFlight', 'lost', 'doubled', 'ledgerDifference', 'held', 'laws',
    ]) // prettier-ignore
    expect(document).toMatchObject({ seed: 7, lost: 0, doubled: 0, ledgerDifference: 0 })
    expect(document.laws).toEqual(Object.fromEntries(Object.values(LAWS).map((law) => [law, 'kept'])))
    // The fault fired, and there was load: a quiet day would prove nothing.
    expect(document.orders.placed).toBeGreaterThan(10)
    expect(document.killsInFlight).toBeGreaterThanOrEqual(2)
    expect(document.held.length).toBeGreaterThan(0)
    expect(document.held.every(({ seeded }) => seeded)).toBe(true)
    expect(left()).toEqual([])
    expect(readdirSync(folder)).toEqual(['report.json'])
  })

  it('names the broken law where a guarantee is off, and exits 1', { timeout: 180_000 }, async () => {
    const ended = await start(['--for', '5s', '--chaos', '--seed', '7', '--json'], { SPANDREL_MUTANT: 'keys-off' })
    expect(ended).toMatchObject({ code: 1 })
    const document = JSON.parse(ended.output) as Report
    expect(document.laws[LAWS[4]]).toMatch(/^broken: /)
  })

  it('explains itself, and refuses what it does not know', async () => {
    expect(await start(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--naive'), errors: '' })
    const refused = await start(['--fro', '30s'])
    expect(refused).toMatchObject({ code: 2, output: '', errors: expect.stringContaining('--fro') })
    expect(refused.errors).not.toContain('    at ')
  })
})
