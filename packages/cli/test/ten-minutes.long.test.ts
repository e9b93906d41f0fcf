/**
 * Follows docs/verify/ten-minutes.md as a new user does, in an empty folder: its files, its change, and each of its commands
 * against the Express server that runs. Not its installation: express is that of this repository, `npx spandrel` its
 * source. UPDATE_DOCS=1 writes what the commands print into the page.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../src/embedded/index.ts'
import { spandrel } from './spandrel.ts'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const samples = here('../../../docs/samples/verify')
const page = here('../../../docs/verify/ten-minutes.md')
const part =
  /<!-- file: docs\/samples\/verify\/(\S+) -->\n```\w+\n([\s\S]*?)```|```diff\n([\s\S]*?)```|```console\n([\s\S]*?)```/g
const pagePort = '127.0.0.1:3000'

let folder: string
let port: number
let server: ChildProcess | undefined
const codes: (number | null)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-ten-minutes-'))
  await symlink(here('../../../node_modules'), join(folder, 'node_modules'))
  port = await freePort()
})
afterAll(async () => {
  await stopServer()
  await rm(folder, { recursive: true, force: true })
})

async function stopServer(): Promise<void> {
  const child = server
  server = undefined
  if (child === undefined || child.exitCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGINT')
  await gone
}

/** Ends when it has said its first line, which is what the page shows. */
async function startServer(file: string): Promise<string> {
  await stopServer()
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  server = child
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`node ${file} ended with ${String(code)} before it said anything\n${complaint}`)
  })
  ended.catch(() => {})
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string]
  return `${line}\n`
}

/** What the command prints, as at the port of the page. */
async function printed(command: string): Promise<string> {
  const line = command.replaceAll(pagePort, `127.0.0.1:${port}`)
  const output = async (): Promise<string> => {
    const [, file] = /^node (\S+)$/.exec(line) ?? []
    if (file !== undefined) return await startServer(file)
    const [, words] = /^npx spandrel (.+)$/.exec(line) ?? []
    if (words === undefined) {
      const { stdout } = await run('bash', ['-c', line], { cwd: folder })
      return stdout.endsWith('\n') ? stdout : `${stdout}\n`
    }
    const { code, stdout, stderr } = await spandrel(words.split(' '), { cwd: folder })
    codes.push(code)
    return stdout + stderr
  }
  return (await output()).replaceAll(`127.0.0.1:${port}`, pagePort)
}

/** Which copies slipped through and how late they were is chance, and how many trials fit into the time. */
const steady = (text: string): string =>
  text
    .replaceAll(/\d+ trials/g, 'N trials')
    .replaceAll(/0 of \d+ failed/g, '0 of N failed')
    .replaceAll(/\d+ %/g, 'N %')
    .replaceAll(/ up to \d+ ms /g, ' up to N ms ')
    .replaceAll(/\d+ copies at once: \d+ effects/g, 'N copies at once: N effects')
    .replaceAll(/ \(one of \d+ cases\)/g, '')
    .replaceAll(/^ {4}no copy was refused: .+\n/gm, '')

test('docs/verify/ten-minutes.md: each command prints what the page shows', { timeout: 180_000 }, async () => {
  const text = await readFile(page, 'utf8')
  const sample = (file: string): Promise<string> => readFile(join(samples, file), 'utf8')
  let updated = text
  const said: string[] = []
  const shown: string[] = []
  for (const [whole, file, content = '', change, block = ''] of text.matchAll(part)) {
    if (file !== undefined) {
      await copyFile(join(samples, file), join(folder, file))
      said.push(await sample(file))
      shown.push(content)
    } else if (change !== undefined) {
      await writeFile(join(folder, 'mend.diff'), change)
      await run('git', ['apply', 'mend.diff'], { cwd: folder })
    } else {
      let now = ''
      for (const [, command = ''] of block.matchAll(/^\$ (.+)$/gm)) now += `$ ${command}\n${await printed(command)}`
      said.push(steady(now))
      shown.push(steady(block))
      updated = updated.replace(whole, () => `\`\`\`console\n${now}\`\`\``)
    }
  }
  const updating = process.env['UPDATE_DOCS'] !== undefined
  if (updating) await writeFile(page, updated)
  expect(updating ? shown : said).toEqual(shown)
  // three files; the start, two orders, the dry run, the attack; the start and the attack of the mended one
  expect(said).toHaveLength(9)
  expect(await readFile(join(folder, 'server.mjs'), 'utf8')).toBe(await sample('server-mended.mjs'))
  // the dry run, the attack that finds the bug, the one that finds none
  expect(codes).toEqual([0, 1, 0])
})
