import { cp, mkdtemp, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { rules } from '@spandrel/contract'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { testDatabase } from '../../../test/postgres.ts'
import { type Ran, spandrel } from './spandrel.ts'

// Every command is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const root = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-contracts-')))
afterAll(() => rm(root, { recursive: true, force: true }))
let folder: string
let number = 0

beforeEach(async () => {
  folder = join(root, `pair-${++number}`)
  await cp(fileURLToPath(new URL('fixtures/pair', import.meta.url)), folder, { recursive: true })
})

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return spandrel(args, { cwd: folder, env })
}

async function change(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(folder, file), 'utf8')
  expect(text).toContain(from)
  await writeFile(join(folder, file), text.replace(from, to))
}

test('check: a good system, and what was looked at', async () => {
  expect(await run(['check'])).toEqual({
    code: 0,
    stdout: `owners that a new field would involve
  2  team-back, team-front: front.greeted

no faults in 2 services, 3 contracts: 3 operations, 2 messages, 9 guarantees
`,
    stderr: '',
  })
  const { code, stdout } = await spandrel(['check', '--json'], { cwd: join(folder, 'front') })
  expect({ code, said: JSON.parse(stdout) as unknown }).toEqual({
    code: 0,
    said: {
      file: join(folder, 'spandrel.yaml'),
      checked: { services: 2, documents: 3, operations: 3, messages: 2, guarantees: 9 },
      rules: rules.length,
      messages: [{ message: 'front.greeted', owners: ['team-back', 'team-front'] }],
      errors: 0,
      warnings: 0,
      remarks: 0,
      acknowledged: 0,
      findings: [],
    },
  })
})

test('check: every fault at its place, with what to do', async () => {
  await change('front/front.asyncapi.yaml', 'delivery: at-least-once', 'delivery: at-least-onc')
  await change('back/back.asyncapi.yaml', 'onPoison: hold-key', 'onPoison: hold-kee')
  const { code, stdout, stderr } = await run(['check'])
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout).toMatch(/^front\/front\.asyncapi\.yaml:17:17 {2}error {2}.*at-least-onc/m)
  expect(stdout).toMatch(/^back\/back\.asyncapi\.yaml:\d+:\d+ {2}error {2}.*hold-kee/m)
  expect(stdout).toContain('did you mean')
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('2 errors in spandrel.yaml and its contracts')
  const document = JSON.parse((await run(['check', '--json'])).stdout) as {
    errors: number
    findings: { line: number; suggestion: string }[]
  }
  expect(document.errors).toBe(2)
  expect(document.findings.every((finding) => finding.line > 0 && finding.suggestion !== '')).toBe(true)
})

test('check: nothing to look at is no success', async () => {
  await writeFile(
    join(folder, 'spandrel.yaml'),
    'version: 1\nsystem: pair\nservices:\n  front: { owner: me, contracts: [] }\n',
  )
  const { code, stdout, stderr } = await run(['check'])
  expect(code).not.toBe(0)
  expect(stdout + stderr).not.toContain('no faults')
})

test('generate: writes once, then has nothing to do; --check tells in CI', async () => {
  const file = 'front/front.contract.ts'
  expect(await run(['generate', '--check'])).toEqual({
    code: 1,
    stdout: `missing      ${file}\n`,
    stderr: '1 file of 1 must be written: run `spandrel generate` and commit\n',
  })
  await expect(stat(join(folder, file))).rejects.toThrow('ENOENT')
  expect(await run(['generate'])).toEqual({ code: 0, stdout: `wrote       ${file}\n`, stderr: '' })
  expect(await readFile(join(folder, file), 'utf8')).toContain('export const front')
  // Untouched when it is right: a tool that watches it sees nothing.
  await utimes(join(folder, file), 1, 1)
  expect(await run(['generate'])).toEqual({ code: 0, stdout: `up to date  ${file}\n`, stderr: '' })
  expect((await stat(join(folder, file))).mtimeMs).toBe(1000)
  expect((await run(['generate', '--check'])).code).toBe(0)
  await change('front/front.openapi.yaml', 'minLength: 1', 'minLength: 3')
  const stale = await run(['generate', '--check', '--json'])
  expect({ code: stale.code, said: JSON.parse(stale.stdout) as unknown }).toEqual({
    code: 1,
    said: {
      files: [join(folder, file)],
      stale: [{ service: 'front', file: join(folder, file), reason: 'different' }],
      written: false,
    },
  })
})

test('generate --js: JavaScript and declarations, and from then on without being asked', async () => {
  const files = ['front/front.contract.js', 'front/front.contract.d.ts']
  const wrote = files.map((file) => `wrote       ${file}\n`).join('')
  expect(await run(['generate', '--js'])).toEqual({ code: 0, stdout: wrote, stderr: '' })
  expect(await readFile(join(folder, 'front/front.contract.js'), 'utf8')).not.toMatch(/: any|import type/)
  expect(await run(['generate', '--check'])).toEqual({
    code: 0,
    stdout: files.map((file) => `up to date   ${file}\n`).join(''),
    stderr: '',
  })
  await writeFile(join(folder, 'front/front.contract.ts'), '')
  expect((await run(['generate', '--js'])).stderr).toBe('front/front.contract.ts is not written any more: delete it\n')
})

test('generate: a broken system is told with its faults, and nothing is written', async () => {
  await change('front/front.openapi.yaml', 'operationId: greet', 'operationId: [greet]')
  const { code, stdout, stderr } = await run(['generate'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/front\/front\.openapi\.yaml:\d+:\d+ {2}error/)
  expect(stderr).toMatch(
    /error {2}spandrel\.yaml cannot be used: \d+ errors? in its documents\n {2}where {2}spandrel\.yaml\n {2}fix {4}correct them/,
  )
  await expect(stat(join(folder, 'front/front.contract.ts'))).rejects.toThrow('ENOENT')
})

test('migrate: all databases and the stream, and again', async () => {
  const [front, back, stream] = [await testDatabase(), await testDatabase(), await testDatabase()]
  const env = { FRONT_DATABASE_URL: front.url, BACK_DATABASE_URL: back.url, SPANDREL_TRANSPORT_URL: stream.url }
  const first = await run(['migrate'], env)
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' })
  expect(first.stdout.split('\n').map((line) => line.replace(/applied .*/, 'applied'))).toEqual([
    'front   applied',
    'back    applied',
    'stream  applied',
    '',
  ])
  expect((await run(['migrate'], env)).stdout).toBe('front   up to date\nback    up to date\nstream  up to date\n')
  expect((await back.pool.query('select name from spandrel.subscriptions')).rows).toEqual([
    { name: 'back:pair.greetings' },
  ])
  expect((await stream.pool.query('select name from spandrel_stream.subscriptions')).rows).toEqual([
    { name: 'back:pair.greetings' },
  ])
  // A database is its service's own.
  const taken = await run(['migrate', '--service', 'back', '--database', front.url])
  expect(taken.code).toBe(2)
  expect(taken.stderr).toMatch(/^error {2}.*front/)
  expect(taken.stderr).not.toMatch(/^\s+at /m)
})

test('migrate --sql: what it prints makes the same tables', async () => {
  const database = await testDatabase()
  const { code, stdout } = await run(['migrate', '--sql', '--service', 'back'])
  expect(code).toBe(0)
  const [service, stream] = stdout.split('-- the stream\n')
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query(service!)
  await client.query(stream!)
  await client.end()
  expect(
    (
      await run(['migrate', '--json', '--service', 'back'], {
        BACK_DATABASE_URL: database.url,
        SPANDREL_TRANSPORT_URL: database.url,
      })
    ).stdout,
  ).toContain('"applied": []')
})

test('migrate: what it needs to know is asked for', async () => {
  expect(await run(['migrate'])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error  no database is known for front\n  where  spandrel.yaml\n  fix    set FRONT_DATABASE_URL, add `database` to the service in spandrel.yaml, or start `spandrel dev`\n',
  })
  expect((await run(['migrate', '--database', 'postgres://x/y'])).stderr).toBe(
    'error  --database names the database of one service\n  where  --database\n  fix    add --service with its name, or --gateway\n',
  )
  expect((await run(['migrate', '--service', 'back', '--database', 'mysql://x/y'])).stderr).toContain(
    'error  this is no Postgres connection string\n',
  )
})
