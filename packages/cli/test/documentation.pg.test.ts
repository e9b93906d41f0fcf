/** Runs the examples of docs/cli.md, in their order, and compares what they print. */
import { chmod, cp, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../src/embedded/index.ts'
import { type Running, spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-docs-')))
let dev: Running | undefined
afterAll(async () => {
  // Asked, not killed: it takes its Postgres along before it ends.
  dev?.child.kill('SIGTERM')
  await dev?.done
  await rm(folder, { recursive: true, force: true })
})

/** What differs from run to run, and how columns are filled because of it. */
function steady(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
    .replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replaceAll(/(127\.0\.0\.1:|port=|process )\d+/g, '$1N')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replaceAll(/works \([0-9a-f]{8}\)/g, 'works (ID)')
    .replaceAll(/[\d.]+ (?:ms|s|min)\b/g, 'SPAN')
    .replaceAll(/ +/g, ' ')
    .trim()
}

test('docs/cli.md: every example prints what it says', { timeout: 240_000 }, async () => {
  await chmod(folder, 0o755)
  await cp(here('fixtures/pair'), folder, { recursive: true })
  await cp(here('fixtures/faults'), join(folder, 'faults'), { recursive: true })
  await cp(here('../../../docs/samples/adopting/api'), join(folder, 'orders/api'), { recursive: true })
  await symlink(here('../../../node_modules'), join(folder, 'node_modules'))
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const env = {
    GATEWAY_PORT: String(ports[0]),
    FRONT_URL: `http://127.0.0.1:${ports[1]}`,
    BACK_URL: `http://127.0.0.1:${ports[2]}`,
  }
  const run = async (...args: string[]): Promise<string> => (await spandrel(args, { cwd: folder, env })).stdout

  const text = await readFile(here('../../../docs/cli.md'), 'utf8')
  const examples = [...text.matchAll(/```console\n\$ spandrel (.+)\n([\s\S]*?)```/g)]
  expect(examples.length).toBeGreaterThanOrEqual(11)
  const printed: Record<string, string> = {}
  for (const [, line = ''] of examples) {
    const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
    if (line === 'dev') {
      dev = startSpandrel(args, { cwd: folder, env })
      const { text: log } = dev
      // That somebody listens may be seen before its own line about it is read.
      const isUp = (): boolean =>
        log.stdout.includes('Ctrl-C stops everything') && /gateway +│ listening/.test(log.stdout)
      await until('dev to be up', isUp, 60_000)
      // Processes speak in any order: of what was said, the lines of the example in theirs.
      const said = new Set(
        steady(log.stdout)
          .split('\n')
          .map((one) => one.trim()),
      )
      printed[line] = lines(expected(examples, line))
        .filter((one) => said.has(one))
        .join('\n')
      await greetBoth(`http://127.0.0.1:${ports[0]}`)
      const dealtWith = async (): Promise<boolean> =>
        (await run('messages', 'list')).includes('1 dead') && (await run('journey', 'c-1')).includes('hello')
      await until('both to be dealt with', dealtWith, 60_000)
      continue
    }
    printed[line] = lines(steady(await run(...args))).join('\n')
    const deaths = async (): Promise<number> =>
      (await run('journey', 'c-2')).match(/became a dead letter/g)?.length ?? 0
    if (line.startsWith('messages replay')) await until('the replay to end', async () => (await deaths()) === 2, 60_000)
    const gone = async (): Promise<boolean> => (await run('journey', 'c-2')).includes('discarded by')
    if (line.startsWith('messages discard')) await until('the discard', gone, 60_000)
  }
  expect(printed).toEqual(
    Object.fromEntries(examples.map(([, line = '']) => [line, lines(expected(examples, line)).join('\n')])),
  )
})

function expected(examples: readonly RegExpExecArray[], line: string): string {
  return steady(examples.find((one) => one[1] === line)?.[2] ?? '')
}

function lines(text: string): string[] {
  return text.split('\n').map((one) => one.trim())
}

async function greetBoth(gateway: string): Promise<void> {
  for (const [name, id] of [
    ['ann', 'c-1'],
    ['nobody', 'c-2'],
  ] as const) {
    const headers = { 'content-type': 'application/json', 'correlation-id': id }
    const { status } = await fetch(`${gateway}/greetings`, { method: 'POST', headers, body: JSON.stringify({ name }) })
    if (status !== 202) throw new Error(`the greeting of ${name} was answered ${status}`)
  }
}

test('docs/cli.md names every command, and no command that does not exist', async () => {
  const text = await readFile(here('../../../docs/cli.md'), 'utf8')
  const { stdout } = await spandrel(['--help'], { cwd: folder })
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[|<)/gm)]
    .map(([, name]) => name!)
    .filter((name) => name !== 'help')
  expect(commands.length).toBeGreaterThan(0)
  const headings = [...text.matchAll(/^## ([a-z]+)$/gm)].map(([, name]) => name!)
  expect(headings.sort()).toEqual([...new Set([...commands, 'messages'])].sort())
})
