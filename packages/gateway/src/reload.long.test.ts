/** What reloads do to a gateway that works, and to one that lives long. */
import { Agent, request as httpRequest } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { System } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { gateway, onCleanup, post, service, until } from '../test/servers.ts'
import { type OperationSketch, system } from '../test/system.ts'

/** Small contracts with something to compile, another one each time. */
function large(url: string, generation: number): System {
  const schema = (name: string): object => ({
    type: 'object',
    required: [name],
    properties: { [name]: { type: 'string', pattern: `^[a-z0-9-]{1,${50 + generation}}$` }, list: { type: 'array' } },
  })
  const operations: Record<string, OperationSketch> = {
    download: { path: '/download' },
    upload: { method: 'PUT', path: '/upload', body: { 'application/octet-stream': undefined } },
    order: { method: 'POST', path: '/orders', body: { 'application/json': schema('sku') as never } },
  }
  for (let index = 0; index < 100; index++) {
    const body = { 'application/json': schema(`member${index}`) as never }
    operations[`other${index}`] = { method: 'POST', path: `/other/${generation}/${index}`, body }
  }
  return system({ one: { url, operations } })
}

test('twenty reloads under load: not one request fails', { timeout: 60_000 }, async () => {
  const chunk = Buffer.alloc(16 * 1024, 7)
  const answer: Parameters<typeof service>[0] = (request, response, { body }) => {
    if (request.url !== '/download') return response.end(String(body.length))
    // A stream that goes on over several reloads.
    let left = 40
    const more = (): void => {
      if (left-- === 0) return void response.end()
      response.write(chunk)
      setTimeout(more, 5)
    }
    more()
  }
  const upstream = await service(answer)
  const other = await service(answer)
  const { gateway: edge, port } = await gateway({ system: large(upstream.url, 0) })
  const agent = new Agent({ keepAlive: true, maxSockets: 200 })
  onCleanup(() => agent.destroy())
  const failures: string[] = []
  const done = { order: 0, download: 0, upload: 0 }
  const stop = new AbortController()

  const exchange = (method: string, path: string, body: Buffer | undefined, parts: number): Promise<string> =>
    new Promise((resolve) => {
      const type = method === 'POST' ? 'application/json' : 'application/octet-stream'
      const headers = body === undefined ? {} : { 'content-type': type }
      const request = httpRequest({ port, agent, method, path, headers }, (response) => {
        let bytes = 0
        let text = ''
        response.on('data', (data: Buffer) => {
          bytes += data.length
          if (data.length < 100) text += data.toString()
        })
        response.on('error', (error) => resolve(`answer broke off: ${error.message}`))
        response.on('end', () => resolve(`${response.statusCode} ${path === '/download' ? bytes : text}`))
      })
      request.on('error', (error) => resolve(`failed: ${error.message}`))
      const send = (left: number): void => {
        if (left === 0) return void request.end()
        request.write(body)
        setImmediate(send, left - 1)
      }
      send(body === undefined ? 0 : parts)
    })

  const client = async (kind: keyof typeof done, ...of: Parameters<typeof exchange>): Promise<void> => {
    const [, , body, parts] = of
    const expected = `200 ${kind === 'download' ? 40 * chunk.length : (body?.length ?? 0) * parts}`
    while (!stop.signal.aborted) {
      const outcome = await exchange(...of)
      if (outcome === expected) done[kind]++
      else failures.push(`${kind}: ${outcome}`)
    }
  }
  const order = Buffer.from(JSON.stringify({ sku: 'chair' }))
  const clients = [
    ...Array.from({ length: 150 }, () => client('order', 'POST', '/orders', order, 1)),
    ...Array.from({ length: 10 }, () => client('download', 'GET', '/download', undefined, 0)),
    ...Array.from({ length: 10 }, () => client('upload', 'PUT', '/upload', chunk, 30)),
  ]
  await until(() => done.order > 150 && done.upload > 0)
  for (let generation = 1; generation <= 20; generation++) {
    const inFlight = edge.health().inFlight
    const before = { ...done }
    // Every third one moves the service to another place, and the next one back.
    const url = generation % 3 === 0 ? other.url : upstream.url
    const expected = await edge.reload(large(url, generation))
    expect(expected.loaded).toBe(true)
    expect(inFlight).toBeGreaterThan(50)
    await until(() => failures.length > 0 || (done.order > before.order + 100 && done.upload > before.upload))
  }
  stop.abort()
  await Promise.all(clients)
  console.log(`20 reloads: ${done.order} requests, ${done.download} downloads, ${done.upload} uploads`)
  expect(failures).toEqual([])
  expect(done.download).toBeGreaterThan(10)
  expect(other.seen.length).toBeGreaterThan(0)
})

test('fifty reloads leave nothing behind', async () => {
  const { url: upstream } = await service()
  const { gateway: edge, url } = await gateway({ system: large(upstream, 0) })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const round = async (generation: number): Promise<void> => {
    expect((await edge.reload(large(upstream, generation))).loaded).toBe(true)
    expect((await post(`${url}/orders`, { sku: 'chair' })).status).toBe(200)
  }
  for (let generation = 1; generation <= 10; generation++) await round(generation)
  const before = used()
  for (let generation = 11; generation <= 60; generation++) await round(generation)
  const grown = (used() - before) / 1024
  console.log(`50 reloads: ${grown.toFixed(0)} KiB more of ${(before / 1024).toFixed(0)} KiB`)
  // One generation of these contracts is 0.9 MiB.
  expect(grown).toBeLessThan(8 * 1024)
})
