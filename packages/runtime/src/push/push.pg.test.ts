import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endGroup, freePort, spawnGroup } from '../../../cli/src/embedded/index.ts'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  feed,
  message,
  migrateFor,
  quick,
  quietLogger,
  rows,
  testContract,
  until,
} from '../../test/consuming.ts'
import type { ServiceContract } from '../contract/service-contract.ts'
import { pgDatabase } from '../database/pg.ts'
import type { ConsumerTuning } from '../inbox/options.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { createPush } from './push.ts'

const cleanup = new Cleanup()
let database: TestDatabase
let transport: Transport
const contract = testContract({ thing: { timeoutMs: 2000 } })

beforeEach(async () => {
  database = await testDatabase()
  await migrateFor(database.pool, [contract])
  transport = cleanup.add(await openTransport(database.url))
})
afterEach(() => cleanup.run())

interface Received {
  id: string
  n: number
  headers: IncomingMessage['headers']
  body: string
}

type Reply = (received: Received, response: ServerResponse, nth: number) => void

/** A receiver that remembers what arrived, and how many requests of one key were open at once. */
async function receiver(reply: Reply, port = 0) {
  const arrived: Received[] = []
  const open = new Map<string, number>()
  let mostOpen = 0
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const received = { id: String(request.headers['ce-id']), n: JSON.parse(body).n, headers: request.headers, body }
      const key = String(request.headers['ce-partitionkey'])
      open.set(key, (open.get(key) ?? 0) + 1)
      mostOpen = Math.max(mostOpen, open.get(key) ?? 0)
      response.once('close', () => open.set(key, (open.get(key) ?? 1) - 1))
      arrived.push(received)
      reply(received, response, arrived.filter(({ id }) => id === received.id).length)
    })()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: actual } = server.address() as { port: number }
  const stop = async (): Promise<void> => {
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
    server.closeAllConnections()
    await closed
  }
  cleanup.add({ stop })
  return { arrived, url: `http://127.0.0.1:${actual}/events`, port: actual, stop, mostOpen: () => mostOpen }
}

async function push(url: string, tuning: Partial<ConsumerTuning> = {}) {
  const loop = createPush({
    contract: contract as unknown as ServiceContract,
    database: pgDatabase(database.pool),
    transport,
    url,
    logger: quietLogger(),
    tuning: { ...quick, ...tuning },
  })
  await loop.start()
  cleanup.add({ stop: () => loop.stop({ deadlineMs: 5000 }) })
  return loop
}

const ok: Reply = (_, response) => response.writeHead(204).end()
const handled = () =>
  rows<{ n: number }>(database.pool, "select count(*)::int as n from spandrel.inbox where outcome = 'handled'").then(
    ([row]) => row?.n ?? 0,
  )

test('a message arrives as a CloudEvent, its data to the letter', async () => {
  const target = await receiver((_, response) => response.writeHead(204, { 'journey-note': 'ledger +49.00' }).end())
  await push(target.url)
  await feed(transport, [
    message(1, { key: 'k', text: '{ "n": 1, "big": 12345678901234567890 }', correlationid: 'c-9' }),
  ])
  await until(handled, (n) => n === 1)
  const [received] = target.arrived
  expect(received?.body).toBe('{ "n": 1, "big": 12345678901234567890 }')
  expect(received?.headers).toMatchObject({
    'ce-specversion': '1.0',
    'ce-type': 'thing',
    'ce-source': '/test/feeder',
    'ce-partitionkey': 'k',
    'ce-correlationid': 'c-9',
    'correlation-id': 'c-9',
    'content-type': 'application/json',
  })
  expect(await rows(database.pool, "select why from spandrel.journal where kind = 'note'")).toEqual([
    { why: 'ledger +49.00' },
  ])
})

test('law 7: one request of a key at a time, in order, retries included', async () => {
  const target = await receiver((received, response, nth) =>
    response.writeHead(received.n % 7 === 3 && nth === 1 ? 500 : 204).end(),
  )
  await push(target.url)
  await feed(
    transport,
    Array.from({ length: 60 }, (_, n) => message(n, { key: `k${n % 3}` })),
  )
  await until(handled, (n) => n === 60)
  expect(target.mostOpen()).toBe(1)
  expect(target.arrived.length, 'each 500 was tried again').toBe(60 + 9)
  for (const key of ['k0', 'k1', 'k2']) {
    const order = target.arrived.filter(({ headers }) => headers['ce-partitionkey'] === key).map(({ n }) => n)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
})

test('FM28: a receiver that is down is an outage: nothing is counted, nothing dies, all arrives when it is back', async () => {
  const port = await freePort()
  const loop = await push(`http://127.0.0.1:${port}/events`)
  await feed(
    transport,
    Array.from({ length: 20 }, (_, n) => message(n, { key: `k${n}` })),
  )
  await until(
    () => loop.health().gauges['operationsPaused'] ?? 0,
    (paused) => paused > 0,
  )
  const target = await receiver(ok, port)
  await until(handled, (n) => n === 20)
  expect(target.arrived.length).toBe(20)
  expect(await rows(database.pool, 'select 1 from spandrel.held')).toEqual([])
  expect(await rows(database.pool, "select 1 from spandrel.journal where kind = 'attempt-failed'")).toEqual([])
})

test('law 8: a receiver that dies in the middle of its requests, again and again, costs no attempt', async () => {
  const port = await freePort()
  await push(`http://127.0.0.1:${port}/events`, { probeMs: 20, maxProbeMs: 100 })
  await feed(
    transport,
    Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n}` })),
  )
  for (let life = 0; life < 3; life++) {
    // It answers five requests and dies with all others in its hands.
    const seen = { answered: 0, held: 0 }
    const target = await receiver((_, response) => {
      if (seen.answered++ < 5) response.writeHead(204).end()
      else seen.held++
    }, port)
    await until(
      () => seen.held,
      (held) => held > 1,
    )
    await target.stop()
  }
  await receiver(ok, port)
  await until(handled, (n) => n === 40)
  expect(await rows(database.pool, "select 1 from spandrel.journal where kind = 'attempt-failed'")).toEqual([])
})

test('FM10: a message that its receiver dies of is a dead letter in the end; the others arrive', async () => {
  const target = await receiver(({ n }, response) => {
    if (n === 7) response.destroy()
    else response.writeHead(204).end()
  })
  await push(target.url, { probeMs: 20, maxProbeMs: 100 })
  await feed(
    transport,
    Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n}` })),
  )
  await until(handled, (n) => n === 39)
  const held = await until(
    () =>
      rows<{ attempts: number; dead: boolean }>(
        database.pool,
        'select attempts, dead_at is not null as dead from spandrel.held',
      ),
    ([row]) => row?.dead === true,
  )
  expect(held).toEqual([{ attempts: 3, dead: true }])
})

test('FM39: a refusal is a dead letter at once and holds back its own key only', async () => {
  const target = await receiver((received, response) => response.writeHead(received.n === 1 ? 422 : 204).end())
  await push(target.url)
  await feed(transport, [message(1, { key: 'bad' }), message(2, { key: 'bad' }), message(3, { key: 'good' })])
  await until(handled, (n) => n === 1)
  const held = await until(
    () =>
      rows<{ state: string; reason: string | null }>(
        database.pool,
        'select state, reason from spandrel.held_messages order by id',
      ),
    (seen) => seen.length === 2,
  )
  expect(held.map(({ state }) => state)).toEqual(['dead', 'waiting'])
  expect(held[0]?.reason).toBe('terminal')
  expect(new Set(target.arrived.map(({ n }) => n))).toEqual(new Set([1, 3]))
})

test('Retry-After on 503 is a pause, not an attempt', async () => {
  const target = await receiver((_, response, nth) =>
    nth < 6 ? response.writeHead(503, { 'retry-after': '0' }).end() : response.writeHead(204).end(),
  )
  await push(target.url)
  await feed(transport, [message(1, { key: 'k' })])
  await until(handled, (n) => n === 1)
  expect(target.arrived.length, 'more tries than the contract’s three attempts').toBe(6)
})

test('a redirect is not followed', async () => {
  const elsewhere = await receiver(ok)
  const target = await receiver((_, response) => response.writeHead(307, { location: elsewhere.url }).end())
  await push(target.url)
  await feed(transport, [message(1, { key: 'k' })])
  await until(
    () => rows(database.pool, 'select 1 from spandrel.held where dead_at is not null'),
    (seen) => seen.length === 1,
  )
  expect(elsewhere.arrived).toEqual([])
})

test('a receiver that never answers costs one attempt each time, then the message is dead', async () => {
  const target = await receiver(() => {})
  const slow = testContract({ thing: { timeoutMs: 100 } })
  const loop = createPush({
    contract: slow as unknown as ServiceContract,
    database: pgDatabase(database.pool),
    transport,
    url: target.url,
    logger: quietLogger(),
    tuning: quick,
  })
  await loop.start()
  cleanup.add({ stop: () => loop.stop({ deadlineMs: 5000 }) })
  await feed(transport, [message(1, { key: 'k' })])
  const [dead] = await until(
    () =>
      rows<{ attempts: number; reason: string }>(
        database.pool,
        'select attempts, reason from spandrel.held where dead_at is not null',
      ),
    (seen) => seen.length === 1,
  )
  expect(dead).toEqual({ attempts: 3, reason: 'timeout' })
  expect(target.arrived.length).toBe(3)
})

test.each(['javascript:alert(1)', 'http://user:secret@127.0.0.1/x', 'nowhere'])(
  '%s is refused, without its secrets',
  async (url) => {
    let error: unknown
    try {
      createPush({
        contract: contract as unknown as ServiceContract,
        database: pgDatabase(database.pool),
        transport,
        url,
        logger: quietLogger(),
      })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'wrong-configuration' })
    expect(String(error)).not.toContain('secret')
  },
)

test.each(['push.sent', 'push.answered'])(
  'laws 1, 4: killed at %s, the message is delivered again; a receiver with a seen table books once',
  async (point) => {
    const booked = new Set<string>()
    let effects = 0
    const target = await receiver((received, response) => {
      const identity = `${String(received.headers['ce-source'])} ${received.id}`
      if (!booked.has(identity)) effects++
      booked.add(identity)
      response.writeHead(204).end()
    })
    await feed(
      transport,
      Array.from({ length: 10 }, (_, n) => message(n, { key: `k${n % 2}` })),
    )
    const folder = await mkdtemp(join(tmpdir(), 'push-'))
    const log = join(folder, 'faults')
    cleanup.add({ stop: () => rm(folder, { recursive: true, force: true }) })
    const start = (faults: string) =>
      spawnGroup(
        process.execPath,
        [
          '--conditions=spandrel-test',
          '--conditions=spandrel-source',
          fileURLToPath(new URL('../../test/pusher.ts', import.meta.url)),
        ],
        {
          stdio: 'inherit',
          env: {
            ...process.env,
            DATABASE_URL: database.url,
            PUSH_URL: target.url,
            SPANDREL_FAULTS: faults,
            SPANDREL_FAULT_LOG: log,
          },
        },
      )
    const first = start(`${point}=kill@4`)
    await once(first, 'exit')
    expect(await readFile(log, 'utf8'), 'the fault fired').toContain(`${point} kill`)
    const second = start('')
    cleanup.add({ stop: () => endGroup(second) })
    await until(handled, (n) => n === 10)
    expect(effects).toBe(10)
    // Killed before the answer, the request may or may not have left; after it, it has.
    expect(target.arrived.length).toBeGreaterThanOrEqual(point === 'push.answered' ? 11 : 10)
  },
)

const python = (() => {
  try {
    execFileSync('python3', ['--version'])
    return true
  } catch {
    return false
  }
})()

test.skipIf(!python)(
  'the receiver of the docs, in Python’s standard library, books each message once (needs python3)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'receiver-'))
    cleanup.add({ stop: () => rm(folder, { recursive: true, force: true }) })
    const child = spawn(
      'python3',
      [fileURLToPath(new URL('../../../../docs/samples/other-languages/receiver.py', import.meta.url))],
      {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE: join(folder, 'brews.db') },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    cleanup.add({
      stop: async () => {
        child.kill()
        await once(child, 'exit')
      },
    })
    const port = Number(String((await once(child.stdout, 'data'))[0]))
    await push(`http://127.0.0.1:${port}/`)
    const messages = Array.from({ length: 5 }, (_, n) => message(n, { key: 'k', data: { n, orderId: n } }))
    await feed(transport, messages)
    await feed(transport, messages) // the same again, as a relay that died would
    await until(handled, (n) => n === 5)
    await until(
      () => rows(database.pool, 'select 1 from spandrel.partitions where position >= 10'),
      (seen) => seen.length === 1,
    )
    const count = execFileSync('python3', [
      '-c',
      'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from brews").fetchone()[0])',
      join(folder, 'brews.db'),
    ])
    expect(String(count).trim()).toBe('5')
  },
)
