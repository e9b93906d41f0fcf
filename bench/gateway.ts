/**
 * What the edge costs: requests a second through `createGateway` (routing, validation, correlation, trace, metrics)
 * against a bare proxy on the same parts (node:http + undici dispatch, nothing else) and the service itself.
 * Each runs in a process of its own, in turns, so that a noisy machine hits all alike. Quote the ratios; the CPU time
 * a request costs is steadier than the rate where others share the machine.
 *
 *   node --conditions=spandrel-source bench/gateway.ts [--rounds 5] [--seconds 3] [--connections 32]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createServer, type OutgoingHttpHeaders } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { parseArgs } from 'node:util'
import type { System } from '@spandrel/contract'
import { createGateway } from '@spandrel/gateway'
import { Pool } from 'undici'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
  },
})

const answer = JSON.stringify({ orderId: 'o-1', state: 'placed', lines: Array.from({ length: 5 }, (_, n) => ({ n })) })
const order = JSON.stringify({
  sku: 'chair',
  amount: 2,
  lines: Array.from({ length: 5 }, (_, index) => ({ sku: `part-${index}`, amount: index + 1 })),
})

const roles: Record<string, (service: string) => Promise<number>> = {
  async service() {
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        response
          .writeHead(202, ['content-type', 'application/json', 'content-length', String(answer.length)])
          .end(answer)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    return (server.address() as AddressInfo).port
  },
  async bare(service) {
    const pool = new Pool(service, { connections: 256 })
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const headers = request.rawHeaders.filter(
          (_, index, all) => !/^(?:host|connection|content-length)$/i.test(all[index - (index % 2)] ?? ''),
        )
        pool.dispatch(
          { path: request.url ?? '/', method: 'POST', headers, body: Buffer.concat(chunks) },
          {
            onRequestStart() {},
            onResponseStart(_controller, status, head) {
              response.writeHead(status, { ...head, connection: 'keep-alive' } as OutgoingHttpHeaders)
            },
            onResponseData(_controller, chunk) {
              response.write(chunk)
            },
            onResponseEnd() {
              response.end()
            },
            onResponseError() {
              response.destroy()
            },
          },
        )
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    return (server.address() as AddressInfo).port
  },
  async gateway(service) {
    return (await createGateway({ system: system(service) }).listen({ port: 0 })).port
  },
}

const [role, upstream = ''] = positionals
if (role === undefined) await compare()
else {
  process.send?.(await roles[role]?.(upstream))
  // Asked for the CPU time used so far, in microseconds.
  process.on('message', () => {
    const { user, system: kernel } = process.cpuUsage()
    process.send?.(user + kernel)
  })
}

interface Contestant {
  port: number
  child: ChildProcess
  rates: number[]
  costs: number[]
}

async function compare(): Promise<void> {
  const contestants: Record<string, Contestant> = {}
  const heard = (child: ChildProcess): Promise<number> =>
    new Promise((resolve) => child.once('message', (value) => resolve(value as number)))
  const start = async (name: string, service = ''): Promise<Contestant> => {
    const child = fork(new URL(import.meta.url), [name, service], { execArgv: ['--conditions=spandrel-source'] })
    return (contestants[name] = { child, port: await heard(child), rates: [], costs: [] })
  }
  const cpu = (child: ChildProcess): Promise<number> => {
    const told = heard(child)
    child.send('cpu')
    return told
  }
  try {
    const { port } = await start('service')
    await start('bare', `http://127.0.0.1:${port}`)
    await start('gateway', `http://127.0.0.1:${port}`)
    const seconds = Number(values.seconds)
    for (const one of Object.values(contestants)) await load(one.port, 1)
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const one of Object.values(contestants)) {
        const before = await cpu(one.child)
        const rate = await load(one.port, seconds)
        one.rates.push(rate)
        one.costs.push(((await cpu(one.child)) - before) / (rate * seconds))
      }
    }
    const median = (list: number[] = []): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
    const bare = contestants['bare']
    for (const [name, { rates, costs }] of Object.entries(contestants)) {
      const rate = `${Math.round(median(rates))} requests/s (${(median(rates) / median(bare?.rates)).toFixed(2)} of bare)`
      const cost = `${Math.round(median(costs))} µs CPU a request (${(median(costs) / median(bare?.costs)).toFixed(2)} of bare)`
      console.log(`${name.padEnd(8)} ${rate.padStart(36)}   ${cost}`)
    }
  } finally {
    for (const { child } of Object.values(contestants)) child.kill()
  }
}

/** Answered requests a second; every answer is checked to be the one expected. */
async function load(port: number, seconds: number): Promise<number> {
  const request =
    `POST /orders HTTP/1.1\r\nhost: shop.example\r\nuser-agent: bench\r\naccept: application/json\r\n` +
    `accept-encoding: gzip\r\ncookie: session=0123456789abcdef\r\nidempotency-key: 0190c9a6-4ab5-7cc0-8d9d-2f1f1b7d7c11\r\n` +
    `content-type: application/json\r\ncontent-length: ${order.length}\r\n\r\n${order}`
  let answered = 0
  const end = performance.now() + seconds * 1000
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.setNoDelay(true).setEncoding('latin1')
      socket.on('error', reject)
      socket.on('data', (chunk: string) => {
        text += chunk
        if (!text.endsWith(answer)) return
        if (!text.startsWith('HTTP/1.1 202')) return reject(new Error(text.slice(0, 200)))
        text = ''
        answered++
        if (performance.now() < end) socket.write(request)
        else socket.end(() => resolve())
      })
      socket.write(request)
    })
  await Promise.all(Array.from({ length: Number(values.connections) }, one))
  return answered / seconds
}

function system(service: string): System {
  const location = { file: '/bench.yaml', line: 1, column: 1, pointer: '' }
  const setting = { text: service, value: service, missing: [], location }
  const line = {
    type: 'object',
    required: ['sku', 'amount'],
    properties: { sku: { type: 'string' }, amount: { type: 'integer', minimum: 1 } },
  }
  const schema = {
    type: 'object',
    required: ['sku', 'amount', 'lines'],
    properties: { ...line.properties, lines: { type: 'array', items: line, maxItems: 100 } },
    additionalProperties: false,
  }
  const idempotency = {
    key: { source: 'request.header', name: 'Idempotency-Key' },
    required: true,
    scope: 'global',
    retentionMs: 86_400_000,
    onOverlap: 'reject',
    onMismatch: 'reject',
    remembers: 'final',
  } as const
  return {
    name: 'bench',
    file: '/bench.yaml',
    dir: '/',
    workflows: {},
    channels: {},
    integrations: [],
    transport: setting,
    defaults: { style: 'messaging' },
    location,
    services: {
      orders: {
        name: 'orders',
        external: false,
        version: '1.0.0',
        url: setting,
        keys: 'service',
        documents: [],
        webhooks: [],
        channels: {},
        messages: {},
        sends: {},
        receives: {},
        uses: {},
        schemas: {},
        dir: '/',
        location,
        operations: {
          placeOrder: {
            kind: 'http',
            service: 'orders',
            operation: 'placeOrder',
            method: 'POST',
            path: '/orders',
            parameters: [
              {
                name: 'Idempotency-Key',
                in: 'header',
                required: true,
                deprecated: false,
                style: 'simple',
                explode: false,
                allowReserved: false,
                type: 'string',
                schema: { schema: { type: 'string', format: 'uuid' }, location },
                location,
              },
            ],
            requestBody: {
              required: true,
              content: [{ contentType: 'application/json', json: true, schema: { schema, location } }],
              location,
            },
            responses: {},
            security: [],
            guarantees: {
              values: { idempotency, delivery: 'at-least-once', ordering: 'none', retry: 'none', deadLetter: 'none' },
              declared: {},
              natural: false,
            },
            callbacks: [],
            deprecated: false,
            location,
          },
        },
      },
    },
  }
}
