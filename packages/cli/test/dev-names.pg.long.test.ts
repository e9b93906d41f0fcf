import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freePort } from '../src/embedded/index.ts'
import { spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

vi.setConfig({ testTimeout: 120_000 })

test('a service called gateway runs beside the gateway, each at its own address', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-dev-names-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 }))
  // Where the tests run as root, the server runs as somebody who must get in.
  await chmod(folder, 0o755)
  const [edge, own] = [await freePort(), await freePort()]
  await writeFile(
    join(folder, 'edge.openapi.yaml'),
    `openapi: 3.1.0
info: { title: Edge, version: 1.0.0 }
paths: { /edge: { get: { operationId: readEdge, responses: { '200': { description: ok } } } } }
`,
  )
  await writeFile(
    join(folder, 'main.mjs'),
    `import { createServer } from 'node:http'
createServer((request, response) => response.end('the service, at ' + request.url)).listen(process.env.PORT, '127.0.0.1')
`,
  )
  await writeFile(
    join(folder, 'spandrel.yaml'),
    `version: 1
system: names
gateway: { listen: ${edge} }
services:
  gateway: { contracts: [edge.openapi.yaml], keys: gateway, url: 'http://127.0.0.1:${own}', dev: node main.mjs }
`,
  )
  const { child, text, done } = startSpandrel(['dev'], { cwd: folder })
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await done
  })
  await until(
    'dev to be up',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${text.stdout}${text.stderr}`)
      return text.stdout.includes('Ctrl-C stops everything')
    },
    60_000,
  )
  expect(text.stdout).toMatch(new RegExp(`^ *spandrel gateway +http://127\\.0\\.0\\.1:${edge}\\b`, 'm'))
  expect(text.stdout).toMatch(new RegExp(`^ *gateway +http://127\\.0\\.0\\.1:${own}\\b`, 'm'))
  for (const port of [edge, own])
    expect(await (await fetch(`http://127.0.0.1:${port}/edge`)).text()).toBe('the service, at /edge')
  // Only the gateway refuses what no contract has.
  expect((await fetch(`http://127.0.0.1:${edge}/elsewhere`)).status).toBe(404)
  const { stdout } = await spandrel(['status', '--json'], { cwd: folder })
  expect(JSON.parse(stdout)).toMatchObject({
    services: [{ name: 'gateway', http: { url: `http://127.0.0.1:${own}`, state: 'answers' } }],
  })
})
