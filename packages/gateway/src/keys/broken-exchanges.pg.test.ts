/** What a key is worth when exchanges break: time-outs, broken connections, leases that end, gateways that stall. */
import { expect, test } from 'vitest'
import { counting, kept, keysDatabase, order } from '../../test/kept.ts'
import { type Answer, closedPort, service, until } from '../../test/servers.ts'

const keys = keysDatabase()
const retry = { attempts: 5, backoff: 'fixed', delayMs: 1, maxDelayMs: 1 } as const
const problem = (name: string): string => `https://spandrel.dev/problems/${name}`

/** As if its time had passed: the database's clock cannot be set. */
async function endLease(key: string): Promise<void> {
  const { rowCount } = await keys.pool.query(
    "update spandrel_gateway.keys set lease_until = now() - interval '1 second' where key = $1",
    [key],
  )
  expect(rowCount).toBe(1)
}

test('after a time-out the key is unknown until its lease ends; then the next copy is carried out', async () => {
  const answer = counting()
  let calls = 0
  const { url, orders, gateways } = await kept(
    {
      timeoutMs: 300,
      handler: (request, response, seen) => (++calls === 1 ? undefined : answer(request, response, seen)),
    },
    keys.pool,
  )
  const first = await order(url, 'a')
  expect([first.status, first.json()['type']]).toEqual([504, problem('timeout')])
  await expect.poll(async () => (await keys.rows('a'))[0]?.outcome).toBe('unknown')
  const copy = await order(url, 'a')
  expect([copy.status, copy.json()['type']]).toEqual([409, problem('overlap')])
  expect(Number(copy.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  await endLease('a')
  expect((await order(url, 'a')).json()).toEqual({ id: 1 })
  expect(orders.seen).toHaveLength(2)
  expect(await keys.rows('a')).toMatchObject([{ epoch: '2', state: 'done', outcome: 'answered' }])
  const metrics = gateways[0]?.gateway.metrics()
  expect(metrics).toContain('spandrel_gateway_key_takeovers_total{operation="orders.placeOrder"} 1')
  expect(metrics).toContain('spandrel_gateway_unknown_outcomes_total{operation="orders.placeOrder"} 1')
})

test.each(['before the answer', 'in the answer'])(
  'a connection that breaks %s: nothing is sent again, nothing of it reaches the client',
  async (when) => {
    const { url, orders } = await kept(
      {
        operation: { guarantees: { retry } },
        handler: (request, response) => {
          if (when === 'before the answer') return request.socket.destroy()
          response.writeHead(201, { 'content-type': 'application/json', 'content-length': '100' })
          response.write('{"id":', () => request.socket.destroy())
        },
      },
      keys.pool,
    )
    const name = `b ${when}`.replaceAll(' ', '-')
    const first = await order(url, name)
    expect([first.status, first.json()['type']]).toEqual([502, problem('service-failed')])
    expect(first.json()['detail']).toContain('not known')
    expect(first.headers['retry-after']).toBeUndefined()
    expect((await order(url, name)).status).toBe(409)
    expect(orders.seen).toHaveLength(1)
    expect(await keys.rows(name)).toMatchObject([{ state: 'claimed', outcome: 'unknown' }])
  },
)

test('an answer that may be retried is not retried by a gateway that keeps the key', async () => {
  const { url, orders } = await kept(
    { operation: { guarantees: { retry } }, handler: (_request, response) => response.writeHead(503).end() },
    keys.pool,
  )
  expect((await order(url, 'may-be-retried')).status).toBe(503)
  expect(orders.seen).toHaveLength(1)
})

test('a service that nobody reaches is asked again with the key in hand: nothing was sent', async () => {
  const port = await closedPort()
  const slow = { ...retry, attempts: 9, delayMs: 500, maxDelayMs: 500 }
  const { url, gateways } = await kept(
    { operation: { guarantees: { retry: slow } }, url: `http://127.0.0.1:${port}` },
    keys.pool,
  )
  const answered = order(url, 'reached')
  await until(() => gateways[0]?.gateway.metrics().includes('kind="connect"') === true)
  const { seen } = await service(counting(), { port })
  expect((await answered).json()).toEqual({ id: 1 })
  expect(seen).toHaveLength(1)
  expect(gateways[0]?.gateway.metrics()).toContain('why="refused"')
})

test('an outcome that comes after the key was taken over changes nothing, and is not told', async () => {
  const waiting: (() => void)[] = []
  let orderId = 0
  const { url, orders, gateways } = await kept(
    {
      gateways: 2,
      handler: (_request, response) => {
        const id = ++orderId
        waiting.push(() => response.writeHead(201, { 'content-type': 'application/json' }).end(`{"id":${id}}`))
      },
    },
    keys.pool,
  )
  const first = order(url, 'c')
  await until(() => orders.seen.length === 1)
  await endLease('c')
  const second = order(`${gateways[1]?.url}/orders`, 'c')
  await until(() => orders.seen.length === 2)
  waiting[1]?.()
  expect((await second).json()).toEqual({ id: 2 })
  waiting[0]?.()
  const late = await first
  expect([late.status, late.json()['type']]).toEqual([503, problem('outcome-unknown')])
  for (const { url: each } of gateways) expect((await order(`${each}/orders`, 'c')).json()).toEqual({ id: 2 })
  expect(await keys.rows('c')).toMatchObject([{ epoch: '2', state: 'done' }])
})

test('a lease is renewed while its exchange is open', async () => {
  let answer: () => void = () => {}
  const { url, orders } = await kept(
    {
      timeoutMs: 500,
      handler: (_request, response) => {
        response.writeHead(201, { 'content-type': 'text/plain' }).write('1')
        // Parts that come often enough for its time limit, and in all longer than the lease.
        const parts = setInterval(() => response.write('1'), 100)
        answer = () => {
          clearInterval(parts)
          response.end('done')
        }
      },
    },
    keys.pool,
  )
  const first = order(url, 'd')
  await until(() => orders.seen.length === 1)
  const lease = async (): Promise<number> =>
    (
      await keys.pool.query<{ ms: number }>(
        "select extract(epoch from lease_until - claimed_at)::float8 * 1000 as ms from spandrel_gateway.keys where key = 'd'",
      )
    ).rows[0]?.ms ?? 0
  const claimed = await lease()
  expect(claimed).toBeCloseTo(1000, -1)
  await expect.poll(lease, { timeout: 10_000 }).toBeGreaterThan(1800)
  expect((await order(url, 'd')).status).toBe(409)
  answer()
  expect((await first).text).toContain('done')
  expect((await order(url, 'd')).text).toBe((await first).text)
  expect(orders.seen).toHaveLength(1)
})

test('a claim that came back too late is not sent', async () => {
  // The statement is committed at once; its answer comes when half of the lease is over.
  const slow = {
    shares: true,
    transaction: () => Promise.reject(new Error('not used')),
    query: async (sql: string, values?: readonly unknown[]) => {
      const result = await keys.pool.query(sql, values as unknown[])
      if (sql.includes('on conflict (operation, scope, key)')) {
        const asked = performance.now()
        while (performance.now() - asked < 600) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return { rows: result.rows, rowCount: result.rowCount }
    },
  }
  const { url, orders } = await kept({ timeoutMs: 500 }, slow as never)
  const late = await order(url, 'e')
  expect([late.status, late.json()['detail']]).toEqual([504, 'The request was not sent.'])
  expect(orders.seen).toHaveLength(0)
  expect(await keys.rows('e')).toEqual([])
})

test('a copy that finds a broken first waits for its lease, and then leads', async () => {
  const answer = counting()
  let calls = 0
  const { url, orders } = await kept(
    {
      guarantee: { onOverlap: 'wait' },
      timeoutMs: 2000,
      handler: (request, response, seen) => {
        if (++calls === 1) request.socket.destroy()
        else answer(request, response, seen)
      },
    },
    keys.pool,
  )
  expect((await order(url, 'f')).status).toBe(502)
  let copy: Answer | undefined
  const asked = order(url, 'f').then((one) => (copy = one))
  await endLease('f')
  await asked
  expect(copy?.json()).toEqual({ id: 1 })
  expect(orders.seen).toHaveLength(2)
})
