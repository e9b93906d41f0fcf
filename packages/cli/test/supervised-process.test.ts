import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SupervisedProcess } from '../src/dev/supervised-process.ts'
import { alive, until } from './waiting.ts'

let folder: string
let running: SupervisedProcess | undefined
const lines: string[] = []
const pids: number[] = []
const crashes: { how: string; againInMs: number }[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-supervised-'))
  for (const list of [lines, pids, crashes]) list.length = 0
})
afterEach(async () => {
  await running?.stop(0)
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

function supervise(command: string | readonly [string, ...string[]]): SupervisedProcess {
  running = new SupervisedProcess(
    { name: 'it', command, cwd: folder, env: process.env },
    {
      line: (text) => lines.push(text),
      started: (pid) => pids.push(pid),
      crashed: (how, againInMs) => crashes.push({ how, againInMs }),
    },
  )
  running.start()
  return running
}

const waits = 'setInterval(() => {}, 1000)'

test('what crashes is started again, each time a little later', async () => {
  supervise(`echo "one line"; echo "and another" >&2; exit 3`)
  await until('three crashes', () => crashes.length >= 3)
  expect(crashes.slice(0, 3)).toEqual([
    { how: 'ended with code 3', againInMs: 200 },
    { how: 'ended with code 3', againInMs: 400 },
    { how: 'ended with code 3', againInMs: 800 },
  ])
  expect(lines.slice(0, 2).sort()).toEqual(['and another', 'one line'])
  expect(new Set(pids).size).toBe(pids.length)
})

test('a killed process is told as such; a program that does not exist too', async () => {
  supervise([process.execPath, '-e', waits])
  process.kill(await until('its start', () => pids[0]), 'SIGKILL')
  await until('the crash', () => crashes[0])
  expect(crashes[0]!.how).toBe('was ended by SIGKILL')
  await running!.stop(0)
  crashes.length = 0
  supervise(['./not-there'])
  await until('the failure', () => crashes[0])
  expect(crashes[0]!.how).toContain('ENOENT')
})

test('a restart ends the old one first, and does not wait out a backoff', async () => {
  const one = supervise([
    process.execPath,
    '-e',
    `process.on('SIGTERM', () => { console.log('bye'); process.exit() }); console.log('hello'); ${waits}`,
  ])
  await until('its start', () => lines.includes('hello'))
  await one.restart()
  expect(alive(pids[0]!)).toBe(false)
  await until('the second', () => lines.filter((line) => line === 'hello').length === 2)
  expect(lines).toEqual(['hello', 'bye', 'hello'])
  expect(crashes).toEqual([])
})

test('stop ends the children of a shell too, and one that ignores SIGTERM is killed', async () => {
  const script = `process.on('SIGTERM', () => {}); require('fs').writeFileSync('pid', String(process.pid)); ${waits}`
  const one = supervise(`trap '' TERM; "${process.execPath}" -e "${script}" & wait; wait`)
  const child = await until(
    'the child',
    async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '')) || undefined,
  )
  expect(child).not.toBe(pids[0])
  await one.stop(300)
  await until('the child to be gone', () => !alive(child))
  expect(alive(pids[0]!)).toBe(false)
  expect(crashes).toEqual([])
})

test('a program that takes its time to end is waited for when its shell is gone already', async () => {
  const script = `process.on('SIGTERM', () => setTimeout(() => { console.log('saved'); process.exit() }, 300)); console.log('hello'); ${waits}`
  const one = supervise(`"${process.execPath}" -e "${script}"; true`)
  await until('its start', () => lines.includes('hello'))
  await one.stop(5000)
  await until('its last words', () => lines.includes('saved'))
  expect(lines).toEqual(['hello', 'saved'])
})

test('children that a crashed leader left behind are ended before the next start', async () => {
  const script = `require('fs').writeFileSync('pid', String(process.pid)); ${waits}`
  supervise(
    `[ -f pid ] && sleep 60; "${process.execPath}" -e "${script}" & while [ ! -s pid ]; do sleep 0.02; done; exit 1`,
  )
  const child = await until(
    'the child',
    async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '')) || undefined,
  )
  await until('the crash', () => crashes[0])
  await until('the child to be gone', () => !alive(child))
  expect(alive(child)).toBe(false)
})

test('lines come whole: cut in the middle of a character, without an end, and very long', async () => {
  const script = `
    const euro = Buffer.from('3 €\\n')
    process.stdout.write(euro.subarray(0, 3))
    setTimeout(() => { process.stdout.write(euro.subarray(3)); process.stdout.write('x'.repeat(300000) + '\\r\\nno end') }, 50)
    setTimeout(() => {}, 5000)`
  const one = supervise([process.execPath, '-e', script])
  await until('the lines', () => lines.length >= 2 && lines[0])
  expect(lines[0]).toBe('3 €')
  expect(lines[1]!.length).toBeGreaterThan(250_000)
  await one.stop()
  await until('the last one', () => lines.at(-1) === 'no end')
  expect(lines.slice(1, -1).join('')).toBe('x'.repeat(300_000))
})
