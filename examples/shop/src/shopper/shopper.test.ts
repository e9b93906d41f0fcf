import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { Shopper } from './shopper.ts'

const folder = mkdtempSync(join(tmpdir(), 'shopper-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Line {
  what: string
  storefront: string
  key: string
  reference: string
  copy: number
  try: number
  status?: number
  orderId?: string
}

/** A shop of one map, on a bad line: of three requests one is cut off, one is refused with 503, one is answered. */
async function badLine(): Promise<{
  url: string
  orders: Map<string, string>
  requests: () => number
  close: () => void
}> {
  const orders = new Map<string, string>()
  let requests = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
    if (request.method === 'GET') {
      const known = [...orders.values()].some((id) => request.url === `/orders/${id}`)
      response.writeHead(known ? 200 : 404).end(JSON.stringify({ status: 'completed' }))
      return
    }
    const key = `${String(request.headers['x-api-key'])} ${String(request.headers['idempotency-key'])}`
    const { sku } = JSON.parse(text) as { sku: string }
    if (sku === 'philosophers-stone') {
      response.writeHead(404).end('{}')
      return
    }
    const orderId = orders.get(key) ?? randomUUID()
    orders.set(key, orderId)
    const turn = requests++ % 3
    if (turn === 0) request.socket.destroy()
    else if (turn === 1) response.writeHead(503).end('{}')
    else response.writeHead(202).end(JSON.stringify({ orderId }))
  }
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, orders, requests: () => requests, close: () => server.close() }
}

it('asks with the same key until it is answered, and writes down what it asked and was told', async () => {
  const shop = await badLine()
  const log = join(folder, 'log.jsonl')
  const shopper = new Shopper({ url: shop.url, apiKeys: ['a', 'b', 'c'], seed: 7, log, poisons: false, pauseMs: 2 })
  shopper.start()
  await expect.poll(() => shopper.status().placed, { timeout: 20_000 }).toBeGreaterThan(60)
  await shopper.stop()
  const counts = await shopper.askOutcomes()
  shopper.close()
  shop.close()

  const { placed, refused, outstanding } = shopper.status()
  expect(outstanding).toBe(0)
  expect(refused).toBeGreaterThan(0)
  expect(counts).toEqual({ completed: placed, rejected: 0, open: 0 })
  const lines = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const asked = lines.filter(({ what }) => what === 'asked')
  const ended = lines.filter(({ what }) => what === 'told' || what === 'unanswered')
  // Everything that was asked has an end, and everybody who was not told asked again (those who walked away excepted).
  expect(ended).toHaveLength(asked.length)
  expect(ended.filter(({ what }) => what === 'unanswered').length).toBeGreaterThan(10)
  expect(ended.filter(({ status }) => status === 503).length).toBeGreaterThan(10)
  const told = new Map<string, Set<string | undefined>>()
  for (const { storefront, key, status, orderId } of ended) {
    if (status === 202) told.set(`${storefront} ${key}`, (told.get(`${storefront} ${key}`) ?? new Set()).add(orderId))
  }
  expect(told.size).toBe(placed)
  for (const ids of told.values()) expect(ids.size).toBe(1)
  // Two copies at once really overlapped: both were asked before either had an end.
  const copies = asked.filter(({ copy }) => copy === 1)
  expect(copies.length).toBeGreaterThan(3)
  const overlapping = copies.filter((second) => {
    const at = lines.indexOf(second)
    const first = lines.findIndex(
      ({ what, key, storefront, copy }) =>
        what === 'asked' && copy === 0 && key === second.key && storefront === second.storefront,
    )
    return !lines
      .slice(first, at)
      .some(({ what, key, storefront }) => what !== 'asked' && key === second.key && storefront === second.storefront)
  })
  expect(overlapping.length).toBeGreaterThan(3)
})
