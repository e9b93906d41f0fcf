import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { spandrel } from './spandrel.ts'

// Every command is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const empty = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-cli-')))
afterAll(() => rm(empty, { recursive: true, force: true }))

const commands = [
  'init',
  'dev',
  'generate',
  'migrate',
  'check',
  'explain',
  'journey',
  'messages list',
  'messages show',
  'messages replay',
  'messages discard',
  'scorecard',
  'serve',
  'status',
  'doctor',
  'twice',
  'verify',
]

test('the help lists every command, and its own end codes', async () => {
  const { code, stdout, stderr } = await spandrel(['--help'], { cwd: empty })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const name of new Set(commands.map((one) => one.split(' ')[0]!)))
    expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
  expect(stdout).toContain('0 fine · 1 findings · 2 could not run')
})

test.each(commands)('%s has help with examples that begin with the command, and --json', async (name) => {
  const { code, stdout } = await spandrel([...name.split(' '), '--help'], { cwd: empty })
  expect(code).toBe(0)
  expect(stdout).toContain('--json')
  const examples = stdout.split('Examples:\n')[1]!.trim().split('\n')
  expect(examples.length).toBeGreaterThan(0)
  for (const line of examples) expect(line.trim()).toMatch(new RegExp(`^spandrel ${name}\\b.* {3,}\\S`))
})

test.each([
  [['jurney'], "error  unknown command 'jurney'; did you mean journey?\n  fix    spandrel --help\n"],
  [['check', '--jsn'], "error  unknown option '--jsn'; did you mean --json?\n  fix    spandrel check --help\n"],
  [['messages', 'lst'], "error  unknown command 'lst'; did you mean list?\n  fix    spandrel messages --help\n"],
  [
    ['messages', 'list', '--state', 'ded'],
    'error  there is no state ded\n  where  --state\n  fix    did you mean dead?\n',
  ],
  [['journey'], "error  missing required argument 'id'\n  fix    spandrel journey --help\n"],
  [
    ['generate', 'extra'],
    "error  too many arguments for 'generate'. Expected 0 arguments but got 1: extra.\n  fix    spandrel generate --help\n",
  ],
  [
    ['explain', 'sync-chian'],
    'error  there is no rule, change or check sync-chian\n  fix    did you mean sync-chain?\n',
  ],
])('%j is refused with a way out', async (args, stderr) => {
  expect(await spandrel(args, { cwd: empty })).toEqual({ code: 2, stdout: '', stderr })
})

test('without a spandrel.yaml every command says so, with and without --json', async () => {
  for (const name of ['dev', 'journey', 'messages discard']) {
    const args = [
      ...name.split(' '),
      ...(/^journey|show|replay|discard/.test(name) ? ['1'] : []),
      ...(name.endsWith('discard') ? ['--why', 'x'] : []),
    ]
    expect(await spandrel(args, { cwd: empty })).toEqual({
      code: 2,
      stdout: '',
      stderr: `error  there is no spandrel.yaml here or in any folder above\n  where  ${empty}\n  fix    go to your project, or give --config the path of its spandrel.yaml\n`,
    })
  }
  const { code, stdout, stderr } = await spandrel(['check', '--json'], { cwd: empty })
  expect({ code, stderr, said: JSON.parse(stdout) as unknown }).toEqual({
    code: 2,
    stderr: '',
    said: {
      error: {
        what: 'there is no spandrel.yaml here or in any folder above',
        where: empty,
        fix: 'go to your project, or give --config the path of its spandrel.yaml',
      },
    },
  })
})

test('--config that names nothing is refused', async () => {
  await mkdir(join(empty, 'folder'), { recursive: true })
  expect((await spandrel(['check', '-c', 'nowhere.yaml'], { cwd: empty })).stderr).toContain(
    'error  there is no nowhere.yaml\n',
  )
  expect((await spandrel(['check', '-c', 'folder'], { cwd: empty })).stderr).toContain(
    'error  there is no spandrel.yaml in folder\n',
  )
})

test('colours only where they are asked for here: a pipe is no terminal', async () => {
  const escape = '\u001B['
  expect((await spandrel(['jurney'], { cwd: empty })).stderr).not.toContain(escape)
  expect((await spandrel(['jurney'], { cwd: empty, env: { FORCE_COLOR: '1' } })).stderr).toContain(escape)
  expect((await spandrel(['jurney'], { cwd: empty, env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr).not.toContain(
    escape,
  )
})

test('a stack only for who asks with DEBUG', async () => {
  expect((await spandrel(['check'], { cwd: empty })).stderr).not.toMatch(/^\s+at /m)
  expect((await spandrel(['check'], { cwd: empty, env: { DEBUG: '1' } })).stderr).toMatch(/^\s+at /m)
})

test('the version', async () => {
  expect((await spandrel(['--version'], { cwd: empty })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
