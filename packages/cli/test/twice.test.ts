/** `spandrel twice` as a user runs it, against real servers; and the examples of docs/verify/twice.md. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { type Ran, spandrel } from './spandrel.ts'

// Every run is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const servers: Server[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function listening(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const run = (...args: string[]): Promise<Ran> => spandrel(['twice', ...args], { cwd: tmpdir() })

test('a server that never succeeds: nothing was tried, with the reason and exit 2', async () => {
  const url = await listening((_request, response) => response.writeHead(401).end())
  const { code, stdout, stderr } = await run('--', 'curl', `${url}/orders`, '-d', 'sku=tea')
  expect(code).toBe(2)
  expect(stdout).toContain('Both were refused (401): nothing was done.')
  expect(stderr).toContain('fix    the caller was refused: add its credentials with -H')
})

test('--json is one document, also where nothing was tried', async () => {
  const url = await listening((_request, response) => response.writeHead(500).end())
  const { code, stdout } = await run('--json', '--url', `${url}/orders`, '--data', '{}')
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({ version: 1, verdict: 'failed', sent: 4 })
})

test.each([
  [
    ['--', 'curl', 'http://shop.example/orders', '-d', 'a=b'],
    'shop.example is not on this machine',
    '--allow shop.example',
  ],
  [['--', 'curl', '-d', 'a=b'], 'there is no URL in that line', 'spandrel twice -- curl'],
  [['--', 'curl', 'http://127.0.0.1/', '-F', 'a=b'], '-F of curl is not understood here', 'leave it out'],
  [[], 'there is no request to send', 'paste a curl line'],
  [['--url', 'ftp://127.0.0.1/'], 'ftp:// is not HTTP', 'give an http://'],
  [['--timeout', 'soon', '--url', 'http://127.0.0.1/'], '--timeout soon is no number', '--timeout 10'],
])('%j is refused before anything is sent', async (args, what, fix) => {
  const { code, stderr } = await run(...args)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(what) })
  expect(stderr).toContain(fix)
})

test('docs/verify/twice.md: every example prints what it says', async () => {
  const path = here('../../../docs/verify/twice.md')
  const text = await readFile(path, 'utf8')
  const examples = [...text.matchAll(/```console\n\$ spandrel twice (.+)\n([\s\S]*?)```/g)]
  expect(examples.length).toBeGreaterThan(1)
  let updated = text
  const stale: string[] = []
  for (const [whole, line = '', printed = ''] of examples) {
    const child = fork(here('../../../docs/samples/twice/orders.mjs'), { env: { ...process.env, PORT: '0' } })
    children.push(child)
    const [port] = (await once(child, 'message')) as [number]
    const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
    const { stdout, code } = await run(...args.map((word) => word.replace(':3000', `:${port}`)))
    expect(code).toBe(1)
    const shown = stdout.replaceAll(`:${port}`, ':3000')
    // Two at once are numbered in either order.
    const steady = (output: string): string => output.replaceAll(/ord_\d+ and ord_\d+/g, 'ord_N and ord_M').trim()
    updated = updated.replace(whole, () => whole.replace(`${line}\n${printed}`, () => `${line}\n${shown}`))
    if (steady(printed) !== steady(shown)) stale.push(shown)
  }
  if (process.env['UPDATE_DOCS'] !== undefined) await writeFile(path, updated)
  expect(stale).toEqual([])
})
