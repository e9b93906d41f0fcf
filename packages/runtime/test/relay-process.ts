/**
 * A relay in a process of its own, for tests that kill and freeze it. Environment: DATABASE_URL,
 * SPANDREL_TRANSPORT_URL, RELAY_OPTIONS (JSON). Says `ready` when it has started; SIGTERM stops it.
 */
import pg from 'pg'
import { createRelay } from '../src/outbox/relay.ts'
import { openTransport } from '../src/transport/open.ts'
import { sender } from './outbox-contract.ts'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 3 })
const transport = await openTransport(process.env['SPANDREL_TRANSPORT_URL'] ?? '')
const log = (fields: object, message: string): void => console.error(message, fields)
const relay = createRelay({
  contract: sender,
  database: pool,
  transport,
  logger: { debug() {}, info() {}, warn: log, error: log },
  ...(JSON.parse(process.env['RELAY_OPTIONS'] ?? '{}') as object),
})
process.on('SIGTERM', () => {
  void relay.stop({ deadlineMs: 2000 }).then(async () => {
    await transport.close()
    await pool.end()
  })
})
await relay.start()
console.log('ready')
