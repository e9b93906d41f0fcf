import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { Member } from './member.ts'
import { claimPorts } from './ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'member-'))
const started: Member[] = []
afterEach(async () => {
  for (const member of started.splice(0)) await member.stop()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Answers with its pid; ends with a fault of its own at /fault. */
const SCRIPT = `
import { createServer } from 'node:http'
const server = createServer((request, response) => {
  if (request.url === '/fault') process.exit(3)
  response.end(String(process.pid))
}).listen(Number(process.env.PORT), '127.0.0.1')
process.once('SIGTERM', () => { server.close(() => process.exit(0)); server.closeAllConnections() })
`

async function member(): Promise<{ member: Member; pid: () => Promise<string>; url: string }> {
  const [port = 0] = await claimPorts(1)
  const script = join(folder, `server-${port}.mjs`)
  writeFileSync(script, SCRIPT)
  const url = `http://127.0.0.1:${port}/`
  const made = new Member({
    name: 'one',
    programs: [{ args: [script], cwd: folder }],
    env: { PORT: String(port) },
    ready: url,
    log: join(folder, 'log'),
  })
  started.push(made)
  await made.start()
  return { member: made, url, pid: async () => (await fetch(url)).text() }
}

it('is frozen, killed, and comes back as another process', async () => {
  const { member: one, pid } = await member()
  const first = await pid()
  one.freeze()
  await one.kill(10)
  expect(one.up).toBe(false)
  await one.waitUntilUp(10_000)
  expect(await pid()).not.toBe(first)
})

it('comes back when it ends by a fault of its own', async () => {
  const { pid, url } = await member()
  const first = await pid()
  await fetch(`${url}fault`).catch(() => {})
  await expect.poll(() => pid().catch(() => first), { timeout: 10_000 }).not.toBe(first)
})

it('stops politely, also while it is on its way back', async () => {
  const { member: one } = await member()
  expect(await one.stop()).toBe(true)
  const { member: two, pid } = await member()
  const first = await pid()
  await two.kill(50)
  expect(await two.stop()).toBe(true)
  await expect(pid()).rejects.toThrow('fetch failed')
  expect(first).not.toBe('')
})

it('takes its programs in turn', async () => {
  const [port = 0] = await claimPorts(1)
  const programs = ['one', 'two'].map((name) => {
    const script = join(folder, `${name}.mjs`)
    writeFileSync(script, SCRIPT.replace('String(process.pid)', `'${name}'`))
    return { args: [script], cwd: folder }
  })
  const [first, second] = programs
  if (first === undefined || second === undefined) throw new Error('two programs')
  const url = `http://127.0.0.1:${port}/`
  const made = new Member({
    name: 'turns',
    programs: [first, second],
    env: { PORT: String(port) },
    ready: url,
    log: join(folder, 'log'),
  })
  started.push(made)
  await made.start()
  const said: string[] = []
  for (let kills = 0; kills < 3; kills++) {
    said.push(await (await fetch(url)).text())
    await made.kill(10)
    await made.waitUntilUp(10_000)
  }
  expect(said).toEqual(['one', 'two', 'one'])
  expect(made.starts).toEqual([first, second, first, second])
})
