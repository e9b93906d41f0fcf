/**
 * `spandrel check` on GitHub's own OpenAPI document (12 MB), as a user runs it: how long it takes, and how much memory.
 * The document comes from npm into a temporary folder; it is no dependency. Fails over 6 s or 400 MB.
 *
 *     npm run bench:check
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = '@octokit/openapi@23.0.2'
const MOST_SECONDS = 6
const MOST_BYTES = 400e6

const main = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'spandrel-github-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const [archive = ''] = execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: dir, encoding: 'utf8' }).split('\n')
execFileSync('tar', ['xzf', archive, 'package/generated/api.github.com.json'], { cwd: dir })
const document = join(dir, 'package/generated/api.github.com.json')
console.log(`${PACKAGE}: ${(statSync(document).size / 1e6).toFixed(1)} MB`)

/** The process tells its own peak when it ends: nobody else can know it on every system. */
const tell = `data:text/javascript,${encodeURIComponent("process.on('exit', () => console.error(`peak ${process.resourceUsage().maxRSS * 1024} cpu ${process.cpuUsage().user + process.cpuUsage().system}`))")}`

async function once(): Promise<{ readonly seconds: number; readonly bytes: number; readonly cpu: number }> {
  const start = performance.now()
  const child = spawn(process.execPath, [
    '--conditions=spandrel-source',
    '--import',
    tell,
    main,
    'check',
    '--json',
    document,
  ])
  let said = ''
  let written = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (written += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
  await new Promise((resolve) => child.once('close', resolve))
  const { checked } = JSON.parse(written) as { checked: { operations: number } | null }
  if ((checked?.operations ?? 0) < 1000) throw new Error('the document was not read')
  const [, bytes = '', cpu = ''] = /peak (\d+) cpu (\d+)/.exec(said) ?? []
  return { seconds: (performance.now() - start) / 1000, bytes: Number(bytes), cpu: Number(cpu) / 1e6 }
}

const runs = [await once(), await once(), await once()]
for (const { seconds, bytes, cpu } of runs) {
  console.log(`${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU, ${(bytes / 1e6).toFixed(0)} MB`)
}
const best = Math.min(...runs.map(({ seconds }) => seconds))
const peak = Math.max(...runs.map(({ bytes }) => bytes))
if (!(best < MOST_SECONDS && peak < MOST_BYTES)) {
  console.error(`more than ${MOST_SECONDS} s or ${MOST_BYTES / 1e6} MB`)
  process.exitCode = 1
}
