/** An answer that is late by little is tried again: a busy machine does that once, a service that keeps no time each time. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { FaultProxy } from '../src/faults/tcp-proxy.ts'
import { attack, changedPlan } from './attack-server.ts'
import { startCard } from './servers/order-server.ts'

/**
 * Promised are 3 s. `slow`: how many answers come after 4 s when the card does not answer; the others after 1 s. Far from
 * both ends of what is late by little, so that a busy machine decides nothing here.
 */
async function judged(slow: number) {
  const card = await startCard()
  const proxy = await FaultProxy.start({
    name: 'card',
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port: card.port },
  })
  let left = slow
  const rows: string[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const wanted = new URL(request.url ?? '', 'http://host').searchParams.get('reference')
    if (request.method === 'GET')
      return void response.end(JSON.stringify({ total: rows.filter((one) => one === wanted).length }))
    const limit = AbortSignal.timeout(left > 0 ? 4000 : 1000)
    const paid = await fetch(`http://127.0.0.1:${proxy.port}`, { signal: limit }).then(
      async (answer) => (await answer.text()) !== '',
      () => false,
    )
    if (!paid) left--
    if (paid) rows.push(/"reference":\s*"([^"]*)"/.exec(body)?.[1] ?? '')
    response.writeHead(paid ? 201 : 503, { 'content-type': 'application/json', 'retry-after': '1' })
    response.end('{"id":"x"}')
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await Promise.all([once(server, 'close'), proxy.close(), card.close()])
  })
  const instances = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`]
  const plan = await changedPlan((text) => text.replace('timeout: PT2S', 'timeout: PT3S'), ['placeOrder'])
  const [operation] = plan.operations
  // Nothing but its time is of interest.
  const bare = { ...operation!, idempotency: 'none' as const, promised: { timeout: operation!.promised.timeout! } }
  const { report } = await attack({ plan: { ...plan, operations: [bare] }, instances, dependencies: [proxy] })
  return report.results.flatMap(({ checks }) => checks).find(({ check }) => check === 'timeout')
}

test('late once, and in time when it is tried again: PASS', { timeout: 60_000 }, async () => {
  expect(await judged(1)).toMatchObject({ verdict: 'PASS', trials: 2, confirmed: 1 })
})

test('late each time: FAIL', { timeout: 60_000 }, async () => {
  expect(await judged(99)).toMatchObject({ verdict: 'FAIL', trials: 3, confirmed: 1 })
})
