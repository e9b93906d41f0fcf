/** What `init` wrote starts at once: in an empty folder, around an Express service, around a Python one. */
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../src/embedded/index.ts'
import { type Running, spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const document = await readFile(
  fileURLToPath(new URL('../../../docs/samples/adopting/api/orders.openapi.yaml', import.meta.url)),
  'utf8',
)
const hasPython = spawnSync('python3', ['--version']).status === 0
let folder: string
let gateway: string
let env: Record<string, string>
let dev: Running | undefined

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-init-')))
  // Where the tests run as root, the server runs as somebody who must get in.
  await chmod(folder, 0o755)
  await symlink(modules, join(folder, 'node_modules'))
  const [port, own] = [await freePort(), await freePort()]
  gateway = `http://127.0.0.1:${port}`
  const at = `http://127.0.0.1:${own}`
  env = { SPANDREL_GATEWAY_LISTEN: String(port), NOTES_URL: at, ORDERS_URL: at }
})
afterEach(async () => {
  dev?.child.kill('SIGTERM')
  await dev?.done
  await rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })
})

async function have(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

async function initAndDev(): Promise<void> {
  const { code, stderr } = await spandrel(['init'], { cwd: folder })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  // The gateway's port is 8080 in what was written; here it must be a free one.
  const file = join(folder, 'spandrel.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('services:', 'gateway: { listen: 8080 }\nservices:'))
  dev = startSpandrel(['dev'], { cwd: folder, env })
  const { text: log, child } = dev
  await until(
    'dev to be up',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${log.stdout}${log.stderr}`)
      return log.stdout.includes('Ctrl-C stops everything')
    },
    60_000,
  )
}

test.each([
  ['an empty folder', {}],
  ['a folder whose main.ts is somebody else’s', { 'main.ts': "throw new Error('nobody starts this')\n" }],
])('%s: one note, however often it is sent', async (_title, files) => {
  await have(files)
  await initAndDev()
  const note = (): Promise<Response> =>
    fetch(`${gateway}/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '1' },
      body: '{"text": "hello"}',
    })
  const first = await note()
  expect({ status: first.status, body: await first.json() }).toEqual({ status: 201, body: { id: 1, text: 'hello' } })
  expect(await (await note()).json()).toEqual({ id: 1, text: 'hello' })
  expect(await (await fetch(`${gateway}/notes`)).json()).toEqual([{ id: 1, text: 'hello' }])
})

test('an Express service with a document: its own start script, behind the gateway', async () => {
  await have({
    'package.json': '{ "name": "orders", "type": "module", "scripts": { "start": "node server.js" } }',
    'server.js': `import express from 'express'
express().get('/orders/:id', (request, response) => response.json({ id: request.params.id, status: 'open' })).listen(process.env.PORT)
`,
    'api/orders.openapi.yaml': document,
  })
  await initAndDev()
  expect(await (await fetch(`${gateway}/orders/o1`)).json()).toEqual({ id: 'o1', status: 'open' })
})

test.runIf(hasPython || process.env['CI'] === 'true')('a Python service with openapi.json', async () => {
  await have({
    'requirements.txt': '',
    'app.py': `import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Orders(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"hello": "python"}')

if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Orders).serve_forever()
`,
    'openapi.json': JSON.stringify({
      openapi: '3.1.0',
      info: { title: 'Greetings', version: '1.0.0' },
      paths: { '/hello': { get: { operationId: 'hello', responses: { 200: { description: 'it' } } } } },
    }),
  })
  await initAndDev()
  expect(await (await fetch(`${gateway}/hello`)).json()).toEqual({ hello: 'python' })
})
