/** A process that pushes `things` to PUSH_URL, for tests that kill it. */
import pg from 'pg'
import { pgDatabase } from '../src/database/pg.ts'
import { createPush } from '../src/push/push.ts'
import { openTransport } from '../src/transport/open.ts'
import type { ServiceContract } from '../src/contract/service-contract.ts'
import { quick, quietLogger, testContract } from './consuming.ts'

const url = process.env['DATABASE_URL'] ?? ''
const pool = new pg.Pool({ connectionString: url, pipeline: true })
pool.on('error', () => {})
const push = createPush({
  contract: testContract() as unknown as ServiceContract,
  database: pgDatabase(pool),
  transport: await openTransport(url),
  url: process.env['PUSH_URL'] ?? '',
  logger: quietLogger(),
  tuning: quick,
})
await push.start()
