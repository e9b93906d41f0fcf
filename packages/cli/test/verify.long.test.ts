/** `spandrel verify` as a user runs it: the example of docs/verify/verify.md, its ends and its evidence. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Ran, spandrel, startSpandrel } from './spandrel.ts'

// Every run is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const samples = here('../../../docs/samples/verify')
const children: ChildProcess[] = []
let folder: string
let broken: string
let mended: string

async function start(file: string): Promise<string> {
  const child = fork(join(samples, file), { env: { ...process.env, PORT: '0' } })
  children.push(child)
  const [port] = (await once(child, 'message')) as [number]
  return `http://127.0.0.1:${port}`
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-verify-'))
  await cp(samples, folder, { recursive: true })
  await cp(join(samples, 'orders.openapi.yaml'), join(folder, 'bare.openapi.yaml'))
  await git('init', '-q')
  await git('add', '.')
  await git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'the samples')
  ;[broken, mended] = await Promise.all([start('orders.mjs'), start('orders-mended.mjs')])
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const git = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('git', args, { cwd: folder })).stdout.trim()

const verify = (...args: string[]): Promise<Ran> => spandrel(['verify', ...args], { cwd: folder })

test('a broken service: exit 1, and the history gives the same verdicts, page, scripts and SARIF', async () => {
  const history = ['--history', 'run.jsonl']
  const { code, stdout } = await verify(
    'orders.openapi.yaml',
    '--url',
    broken,
    '--profile',
    'quick',
    '--json',
    ...history,
  )
  expect(code).toBe(1)
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ version: 1, profile: 'quick', guarantees: { declared: 2, tested: 2, passed: 1 } })

  // The history just written is no change: it is not tracked.
  expect(report.commit).toEqual({ id: await git('rev-parse', 'HEAD'), changed: false })

  const again = await verify('--judge', 'run.jsonl', '--json', '--html', 'report.html', '--scripts', 'scripts')
  expect(again.code).toBe(1)
  expect(JSON.parse(again.stdout)).toEqual(report)

  const page = await readFile(join(folder, 'report.html'), 'utf8')
  expect(page).toContain('orders.placeOrder/simultaneous')
  expect(page.match(/<rect class="ok telling"/g)?.length).toBeGreaterThan(1)
  expect(page.match(/<line class="effect"/g)?.length).toBeGreaterThan(1)
  expect(page).not.toMatch(/<(script|link|img)\b|(src|href)=/)

  const sarif = JSON.parse((await verify('--judge', 'run.jsonl', '--format', 'sarif')).stdout)
  const [first] = sarif.runs[0].results
  expect(first.ruleId).toBe('simultaneous')
  const { artifactLocation, region } = first.locations[0].physicalLocation
  expect(artifactLocation.uri).toContain('orders.guarantees.yaml')
  const line = (await readFile(join(folder, 'orders.guarantees.yaml'), 'utf8')).split('\n')[region.startLine - 1]
  expect(line).toContain('idempotency:')
  const junit = (await verify('--judge', 'run.jsonl', '--format', 'junit')).stdout
  expect(junit).toMatch(
    /<testcase classname="orders.placeOrder" name="idempotency: simultaneous">\s*<failure type="FAIL"/,
  )
  expect(junit).toMatch(/name="idempotency: sequential"\/>/)
  // What could not be tried is no passed test.
  expect(junit).toMatch(/name="idempotency: instances">\s*<skipped message="give the URL of every instance/)

  expect(await readdir(join(folder, 'scripts'))).toContain('orders.placeOrder-simultaneous.sh')
  // On a busy machine four curls may start further apart than the bug is long: a script is run again, as a user would.
  const script = join(folder, 'scripts/orders.placeOrder-simultaneous.sh')
  await expect
    .poll(async () => (await promisify(execFile)('bash', [script])).stdout, { timeout: 25_000 })
    .toMatch(/\{"total":[2-9]\}/)
})

test('a mended one: exit 0', async () => {
  const { code, stdout } = await verify('orders.openapi.yaml', '--url', mended, '--profile', 'quick')
  expect(stdout).toContain('2 guarantees declared, 2 tested, 2 passed')
  expect(code).toBe(0)
})

test('--repeat sends what led to one finding, and only that', async () => {
  const { code, stdout } = await verify(
    'orders.openapi.yaml',
    '--url',
    broken,
    '--profile',
    'quick',
    '--repeat',
    'orders.placeOrder/simultaneous',
    '--json',
  )
  expect(code).toBe(1)
  const checks = JSON.parse(stdout).results.flatMap(
    (result: { checks: { check: string; verdict: string }[] }) => result.checks,
  )
  expect(checks.find((one: { check: string }) => one.check === 'simultaneous').verdict).toBe('FAIL')
  expect(checks.find((one: { check: string }) => one.check === 'sequential')).toBeUndefined()
})

test('--repeat of what cannot be tried is no success, and says what is missing', async () => {
  const args = ['orders.openapi.yaml', '--url', mended, '--profile', 'quick', '--repeat']
  const crash = await verify(...args, 'orders.placeOrder/crash')
  expect(crash.stderr).toContain('orders.placeOrder/crash was not tried: say how to start the service')
  expect(crash.code).toBe(3)
  const foreign = await verify(...args, 'orders.placeOrder/dead-letter', '--allow-inconclusive')
  expect(foreign.stderr).toContain('it is no test of this operation')
  expect(foreign.code).toBe(3)
})

test('an operationId with slashes: its findings can be repeated, and have a script', async () => {
  for (const file of ['openapi', 'guarantees']) {
    const text = await readFile(join(folder, `orders.${file}.yaml`), 'utf8')
    await writeFile(join(folder, `slash.${file}.yaml`), text.replaceAll('placeOrder', 'orders/../place'))
  }
  const finding = 'slash.orders/../place/simultaneous'
  const args = ['slash.openapi.yaml', '--url', broken, '--profile', 'quick', '--repeat', finding]
  const { code, stdout } = await verify(...args, '--scripts', 'new/slashes')
  expect(stdout).toContain(`again: --repeat ${finding}`)
  expect(code).toBe(1)
  expect(await readdir(join(folder, 'new/slashes'))).toEqual(['slash.orders-..-place-simultaneous.sh'])
})

test('nobody there: exit 3, once said; --allow-inconclusive does not make it a success', async () => {
  const nobody = await verify('orders.openapi.yaml', '--url', 'http://127.0.0.1:1', '--profile', 'quick')
  expect(nobody.code).toBe(3)
  expect(nobody.stdout.match(/nobody listens there .+: start the service, or correct --url/g)?.length).toBe(1)
  // What would be missing besides, and what nobody made, is no matter yet.
  expect(nobody.stdout).not.toMatch(/Not tested|Left behind/)
  const allowed = await verify(
    'orders.openapi.yaml',
    '--url',
    'http://127.0.0.1:1',
    '--profile',
    'quick',
    '--allow-inconclusive',
  )
  expect(allowed.code).toBe(3)
  // Where something was shown, and only from answers, it may be allowed.
  await cp(join(samples, 'orders.openapi.yaml'), join(folder, 'weak.openapi.yaml'))
  const guarantees = await readFile(join(samples, 'orders.guarantees.yaml'), 'utf8')
  await writeFile(join(folder, 'weak.guarantees.yaml'), guarantees.replaceAll(/^    (read|count|settles): .*\n/gm, ''))
  const args = ['weak.openapi.yaml', '--url', mended, '--profile', 'quick', '--repeat', 'weak.placeOrder/sequential']
  const weak = await verify(...args)
  expect(weak.stdout).toMatch(/^WEAK/m)
  expect(weak.code).toBe(3)
  expect((await verify(...args, '--allow-inconclusive')).code).toBe(0)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s: it stops, cleans up, exits 2, and its history is there',
  async (signal) => {
    const args = ['verify', 'orders.openapi.yaml', '--url', mended, '--profile', 'deep', '--history', `${signal}.jsonl`]
    const { child, done } = startSpandrel(args, { cwd: folder })
    const lines = async (): Promise<string> => readFile(join(folder, `${signal}.jsonl`), 'utf8').catch(() => '')
    await expect.poll(async () => (await lines()).split('\n').length, { timeout: 60_000 }).toBeGreaterThan(60)
    child.kill(signal)
    const { code, stderr } = await done
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('it was stopped before it was done') })
    expect(stderr).toContain(`--judge ${signal}.jsonl`)
    expect(stderr).not.toContain('    at ')
    expect(await lines()).toContain('"type":"cleanup"')
    expect((await verify('--judge', `${signal}.jsonl`)).code).not.toBe(2)
  },
)

test('what cannot be written does not hide what was found', async () => {
  const args = [
    'orders.openapi.yaml',
    '--url',
    mended,
    '--profile',
    'quick',
    '--repeat',
    'orders.placeOrder/sequential',
  ]
  const { code, stdout, stderr } = await verify(...args, '--html', '/dev/full')
  expect(stdout).toContain('guarantees declared')
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('/dev/full cannot be written: ENOSPC') })
  expect(stderr).not.toContain('    at ')
})

test('--ledger plants keys and --due sends nothing before its time, nor the key of another caller', async () => {
  const args = ['orders.openapi.yaml', '--url', mended, '--profile', 'quick', '--ledger', 'ledger.jsonl']
  const planting = await verify(...args)
  expect(planting.stdout).toContain('until-retention  its keys were planted, and are not due yet: --ledger FILE --due')
  const written = await readFile(join(folder, 'ledger.jsonl'), 'utf8')
  expect(written.split('\n').filter((line) => line.includes('"planted"'))).toHaveLength(2)

  const early = await verify(...args, '--due')
  expect(early).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Nothing is due before 20\d\d-.+Z\.\n$/) })
  expect(JSON.parse((await verify(...args, '--due', '--json')).stdout)).toMatchObject({ version: 1, due: 0 })
  const other = await verify(...args, '--due', '--caller', 'X-Api-Key: bob')
  expect(other.stderr).toContain('2 keys are left alone: planted by another caller')
  expect(await readFile(join(folder, 'ledger.jsonl'), 'utf8')).toBe(written)

  // As if it had been planted two days ago: its retention is a day.
  const old = new Date(Date.now() - 172_800_000).toISOString()
  await writeFile(join(folder, 'ledger.jsonl'), written.replaceAll(/"at":"[^"]+"/g, `"at":"${old}"`))
  const due = await verify(...args, '--due', '--json')
  const checks = JSON.parse(due.stdout).results.flatMap((one: { checks: object[] }) => one.checks)
  expect(checks).toContainEqual(expect.objectContaining({ check: 'after-retention', verdict: 'PASS', confirmed: 2 }))
  expect((await verify(...args, '--due')).stdout).toBe('Nothing is due, and nothing will be.\n')
})

test.each([
  [['orders.openapi.yaml', '--url', 'http://127.0.0.1:1', '--due'], 'which keys are due?', '--ledger FILE --due'],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1:1', '--ledger', 'orders.mjs'],
    'line 1 of the ledger orders.mjs is no JSON',
    'nothing was changed',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1:1', '--ledger', 'nowhere/x.jsonl'],
    'the ledger nowhere/x.jsonl cannot be written',
    'name a file in a folder',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1:1', '--ledger', 'none.jsonl', '--due'],
    'there is no ledger none.jsonl',
    'an earlier run',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1:1', '--html', 'nowhere/x.html'],
    'the page cannot be written: ENOENT',
    'name a file in a folder',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1', '--repeat', 'orders.placeOrder/simultanous'],
    'orders.placeOrder/simultanous is no finding',
    'did you mean orders.placeOrder/simultaneous?',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1', '--repeat', 'simultaneous'],
    'simultaneous is no finding',
    'write its operation before it',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://shop.example'],
    'shop.example is not on this machine',
    '--allow shop.example',
  ],
  [['orders.openapi.yaml'], 'where does orders run?', '--url http'],
  [
    ['orders.openapi.yaml', '--url', 'http://ann:secret@127.0.0.1:1'],
    'a URL with a user or a password stays in histories',
    '--caller',
  ],
  [['orders.openapi.yaml', '--dry-run', '--html', 'plan.html'], 'nothing to write for --html', '--dry-run --json'],
  [['orders.openapi.yaml', '--dry-run', '--format', 'junit'], 'nothing to write for --format junit', 'leave one'],
  [['bare.openapi.yaml', '--url', 'http://127.0.0.1:1'], 'nothing of bare can be tested', 'it has no `x-probe`: '],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1', '--operation', 'placeOrdr'],
    'orders has no operation placeOrdr',
    'did you mean placeOrder?',
  ],
  [
    ['orders.openapi.yaml', '--url', 'http://127.0.0.1', '--operation', 'listOrders'],
    'nothing of orders can be tested',
    'all of its operations only read',
  ],
  [['--judge', 'orders.mjs'], 'is no history: line 1 is no JSON', 'verify --history'],
])('%j is refused before anything is sent', async (args, what, fix) => {
  const { code, stderr } = await verify(...args)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(what) })
  expect(stderr).toContain(fix)
})

test('docs/verify/verify.md: every example prints what it says', async () => {
  const path = here('../../../docs/verify/verify.md')
  const text = await readFile(path, 'utf8')
  const examples = [...text.matchAll(/```console\n\$ spandrel verify (.+)\n([\s\S]*?)```/g)]
  expect(examples.length).toBeGreaterThan(2)
  let updated = text
  const stale: string[] = []
  // Which copies slipped through, and where late ones were, is chance: the details of findings are not compared.
  const steady = (output: string): string =>
    output
      .split('\n')
      .filter((line) => !line.startsWith('    '))
      .join('\n')
      .replaceAll(/\d+ trials/g, 'N trials')
      .trim()
  for (const [whole, line = '', printed = ''] of examples) {
    const args = line
      .split(' ')
      .map((word) => word.replace('http://127.0.0.1:3000', broken).replace('http://127.0.0.1:3001', mended))
    const { stdout } = await verify(...args)
    updated = updated.replace(whole, () => whole.replace(`${line}\n${printed}`, () => `${line}\n${stdout}`))
    if (steady(printed) !== steady(stdout)) stale.push(stdout)
  }
  if (process.env['UPDATE_DOCS'] !== undefined) await writeFile(path, updated)
  expect(stale).toEqual([])
})
