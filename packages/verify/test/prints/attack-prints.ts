/** Runs `verify` against the print service as a user would: it is called back, and looks at the stream for replies. */
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { loadSystem } from '@spandrel/contract'
import { migrateStream, openTransport } from '@spandrel/runtime/operate'
import pg from 'pg'
import { judge } from '../../src/judge/judge.ts'
import { messageFacts } from '../../src/plan/message-facts.ts'
import { planService } from '../../src/plan/plan.ts'
import { run } from '../../src/run/run.ts'
import { StreamRoad } from '../../src/wire/stream.ts'
import { type Attacked, unhurried } from '../attack-server.ts'
import type { PrintBug } from './bugs.ts'
import { PrintServer, type PrintServerOptions } from './print-server.ts'

export interface PrintOptions extends Pick<PrintServerOptions, 'printMs' | 'events'> {
  bug?: PrintBug | undefined
  seed?: number
  only?: readonly string[]
  check?: string
}

/** `admin`: a Postgres to make a database in, for the stream. */
export async function attackPrints(
  admin: string,
  { seed, only, check, ...server }: PrintOptions = {},
): Promise<Attacked> {
  const began = performance.now()
  const closing: (() => Promise<unknown>)[] = []
  try {
    const url = await makeStream(admin, closing)
    const transport = await openTransport(url)
    closing.unshift(() => transport.close())
    const service = await PrintServer.start({ ...server, transport })
    closing.unshift(() => service.close())
    const stream = await StreamRoad.open(url)
    closing.unshift(() => stream.close())
    const { system } = await loadSystem(fileURLToPath(new URL('spandrel.yaml', import.meta.url)))
    const own = system!.services['prints']!
    const history = await run({
      plan: planService(own, only),
      instances: [service.url],
      profile: unhurried,
      ...(check !== undefined && { check }),
      ...(seed !== undefined && { seed }),
      messages: {
        facts: messageFacts(own, only),
        stream,
        push: { url: `${service.url}/events`, mode: 'binary' },
      },
    })
    return { report: judge(history.records), records: history.records, tookMs: performance.now() - began }
  } finally {
    for (const close of closing) await close()
  }
}

async function makeStream(admin: string, closing: (() => Promise<unknown>)[]): Promise<string> {
  const name = `v_${randomBytes(6).toString('hex')}`
  const root = new pg.Client(admin)
  await root.connect()
  closing.unshift(() => root.end())
  await root.query(`create database ${name}`)
  closing.unshift(() => root.query(`drop database ${name} with (force)`))
  const url = new URL(admin)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 2 })
  pool.on('error', () => {})
  closing.unshift(() => pool.end())
  const channels = ['prints.quotes', 'prints.answers'].map((address) => ({ address, ordered: false, partitions: 2 }))
  await migrateStream(pool, { channels, subscriptions: [] })
  return url.href
}
