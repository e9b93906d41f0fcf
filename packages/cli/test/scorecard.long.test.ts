/** `spandrel scorecard` as a user runs it: docs/scorecard.md, evidence of a commit, pages and sheets. */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Ran, spandrel } from './spandrel.ts'

// Every run is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
let folder: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-score-')))
  await cp(here('../../../docs/samples/verify'), folder, { recursive: true })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const scorecard = (...args: string[]): Promise<Ran> => spandrel(['scorecard', ...args], { cwd: folder })

const git = (...args: string[]): string => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim()

function commit(): string {
  git('init', '-q')
  git('add', '.')
  git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'all')
  return git('rev-parse', 'HEAD')
}

interface Told {
  score: number
  questions: { number: number; answer: string; evidence: string }[]
  reports: { counted: boolean; why: string }[]
}

/** A report as `verify --json` prints it: what counts is what it says. */
async function report(id: string | undefined, verdict: 'PASS' | 'FAIL', changed = false): Promise<string> {
  const checks = ['sequential', 'mismatch', 'overlap-answer'].map((check) => ({
    check,
    verdict,
    confirmed: 3,
    trials: 3,
  }))
  const results = [{ ref: 'orders.placeOrder', member: 'idempotency', verdict, checks, untested: [] }]
  const made = id === undefined ? {} : { commit: { id, changed } }
  await writeFile(join(folder, 'report.json'), JSON.stringify({ version: 1, run: 'r', ...made, results }))
  return 'report.json'
}

async function told(...args: string[]): Promise<Told> {
  const { code, stdout, stderr } = await scorecard('orders.openapi.yaml', '--json', ...args)
  expect({ code, stderr: stderr.replaceAll(/warning.*\n/g, '') }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Told
}

const answers = ({ questions }: Told): Record<number, string> =>
  Object.fromEntries(questions.map(({ number, answer, evidence }) => [number, `${answer}, ${evidence}`]))

test('a declaration counts half, a report of this commit whole, and one of any other commit nothing', async () => {
  const id = commit()
  const declared = await told()
  expect(answers(declared)).toMatchObject({ 2: 'yes, declared', 7: 'no, none', 8: 'yes, declared' })

  const tested = await told('--evidence', await report(id, 'PASS'))
  expect(tested.reports).toMatchObject([{ counted: true }])
  expect(answers(tested)).toMatchObject({ 2: 'yes, tested', 3: 'yes, tested', 7: 'partly, tested', 8: 'yes, declared' })
  expect(tested.score).toBeGreaterThan(declared.score)

  for (const [made, why] of [
    [
      await report('0'.repeat(40), 'PASS').then(() => readFile(join(folder, 'report.json'), 'utf8')),
      'it is of commit 00000000',
    ],
    [
      await report(id, 'PASS', true).then(() => readFile(join(folder, 'report.json'), 'utf8')),
      'with changes that are in no commit',
    ],
    [
      await report(undefined, 'PASS').then(() => readFile(join(folder, 'report.json'), 'utf8')),
      'does not say which commit',
    ],
    ['{ "version": 2, "run": "r", "results": [] }', 'version 2, and only 1 is known'],
    ['[1]', 'is no report of `spandrel verify --json`'],
  ] as const) {
    await writeFile(join(folder, 'other.json'), made)
    const other = await told('--evidence', 'other.json')
    expect(other.reports).toMatchObject([{ counted: false, why: expect.stringContaining(why) as string }])
    expect(answers(other)).toEqual(answers(declared))
  }

  // A contract that was changed since the commit is not the one that was tested.
  await writeFile(
    join(folder, 'orders.openapi.yaml'),
    `${await readFile(join(folder, 'orders.openapi.yaml'), 'utf8')}\n# more\n`,
  )
  const changed = await told('--evidence', await report(id, 'PASS'))
  expect(changed.reports).toMatchObject([
    { counted: false, why: expect.stringContaining('has changes here') as string },
  ])
  expect(answers(changed)).toEqual(answers(declared))
})

test('what a report shows to be untrue is no, whatever the contract says', async () => {
  const id = commit()
  const broken = await told('--evidence', await report(id, 'FAIL'))
  expect(answers(broken)).toMatchObject({ 2: 'no, none', 3: 'no, none', 7: 'partly, tested' })
  const { stdout } = await scorecard('orders.openapi.yaml', '--evidence', 'report.json')
  expect(stdout).toContain('report.json shows the contrary: orders.placeOrder/sequential failed')
  expect(stdout).toContain('do   mend it: spandrel verify --repeat orders.placeOrder/sequential')
})

test('the page needs nothing else, and text of a contract is text in it', async () => {
  const file = join(folder, 'orders.openapi.yaml')
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replace(
      /operationId: placeOrder/,
      "operationId: placeOrder\n      x-integration: { style: rpc, reason: '<script>alert(1)</script>' }",
    ),
  )
  await scorecard('orders.openapi.yaml', '--html', 'card.html')
  const page = await readFile(join(folder, 'card.html'), 'utf8')
  expect(page).toContain('<meta name="viewport"')
  expect(page).toContain('prefers-color-scheme:dark')
  expect(page).not.toMatch(/<(script|link|img|iframe)\b|\b(src|action)=|url\(|@import|href="(?!#)/)
  expect(page.match(/<section id="i\d+">/g)?.length).toBeGreaterThan(0)
  expect(page).toContain('orders.openapi.yaml:')
})

test('sheets: written, checked, out of date, left over; what somebody wrote by hand stays', async () => {
  await cp(here('fixtures/pair'), folder, { recursive: true })
  const check = (): Promise<Ran> => scorecard('--sheets', 'sheets', '--check')
  const missing = await check()
  expect(missing.code).toBe(1)
  expect(missing.stdout).toContain('missing      sheets/back-front.greeted.md')
  expect(missing.stderr).toContain('run `spandrel scorecard --sheets sheets` and commit')
  expect(await readdir(folder)).not.toContain('sheets')

  expect((await scorecard('--sheets', 'sheets')).code).toBe(0)
  expect(await check()).toMatchObject({ code: 0, stdout: '3 sheets in sheets: up to date\n' })
  const sheet = await readFile(join(folder, 'sheets/back-front.greeted.md'), 'utf8')
  for (const text of [
    '# back → front.greeted',
    '| consumer | back, team-back |',
    'comes twice (duplicate)',
    'is down',
    '(poison)',
    'out of order',
    '(timeout)',
    '| time | low |',
  ]) {
    expect(sheet).toContain(text)
  }

  await writeFile(join(folder, 'sheets/notes.md'), 'by hand')
  await cp(join(folder, 'sheets/back-front.greeted.md'), join(folder, 'sheets/gone.md'))
  const { stdout: yaml } = { stdout: await readFile(join(folder, 'spandrel.yaml'), 'utf8') }
  await writeFile(join(folder, 'spandrel.yaml'), yaml.replaceAll('team-back', 'team-rear'))
  const stale = await check()
  expect(stale.code).toBe(1)
  expect(stale.stdout).toContain('out of date  sheets/back-front.greeted.md')
  expect(stale.stdout).toContain('left over    sheets/gone.md')
  expect(stale.stdout).not.toContain('notes.md')
  await scorecard('--sheets', 'sheets')
  expect((await readdir(join(folder, 'sheets'))).sort()).toEqual([
    'README.md',
    'back-front.greeted.md',
    'callers-front.greet.md',
    'notes.md',
  ])

  await writeFile(join(folder, 'sheets/README.md'), '# Ours')
  const foreign = await scorecard('--sheets', 'sheets')
  expect(foreign).toMatchObject({ code: 2, stdout: '' })
  expect(foreign.stderr).toContain('error  sheets/README.md was not written by this command')
  expect(await readFile(join(folder, 'sheets/README.md'), 'utf8')).toBe('# Ours')
})

test.each([
  [['--check'], '--check of what?'],
  [['orders.openapi.yaml', '--evidence', 'none.json'], 'there is no report none.json'],
  [['orders.openapi.yaml', '--evidence', 'orders.mjs'], 'orders.mjs is no JSON'],
  [['orders.openapi.yaml', '--html', 'no/such/card.html'], 'no/such/card.html cannot be written'],
  [['nowhere.yaml'], 'nowhere.yaml cannot be used'],
  [[], 'there is no spandrel.yaml here'],
])('%j is refused with a way out', async (args, what) => {
  const { code, stdout, stderr } = await scorecard(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(`error  ${what}`)
  expect(stderr).not.toMatch(/^\s+at /m)
})

test('docs/scorecard.md shows what the shop is given', async () => {
  const text = await readFile(here('../../../docs/scorecard.md'), 'utf8')
  const blocks = [...text.matchAll(/```(?:console\n\$ spandrel scorecard|text)\n([\s\S]*?)```/g)].map(
    ([, block]) => block ?? '',
  )
  expect(blocks).toHaveLength(2)
  const shop = here('../../../examples/shop')
  const plain = await spandrel(['scorecard'], { cwd: shop })
  expect(plain).toEqual({ code: 0, stdout: blocks[0], stderr: '' })
  const why = await spandrel(['scorecard', '--why'], { cwd: shop })
  expect(why.stdout).toContain(blocks[1])
})

test('what verify prints is what the scorecard counts', async () => {
  commit()
  const child = fork(join(folder, 'orders-mended.mjs'), { env: { ...process.env, PORT: '0' } })
  try {
    const [port] = (await once(child, 'message')) as [number]
    const url = `http://127.0.0.1:${port}`
    const made = await spandrel(['verify', 'orders.openapi.yaml', '--url', url, '--profile', 'quick', '--json'], {
      cwd: folder,
    })
    await writeFile(join(folder, 'made.json'), made.stdout)
    const { results } = JSON.parse(made.stdout) as { results: { member: string; verdict: string }[] }
    expect(results).toContainEqual(expect.objectContaining({ member: 'idempotency', verdict: 'PASS' }))
    const counted = await told('--evidence', 'made.json')
    expect(counted.reports).toMatchObject([{ counted: true }])
    expect(answers(counted)).toMatchObject({ 2: 'yes, tested' })
  } finally {
    child.kill('SIGKILL')
  }
})
