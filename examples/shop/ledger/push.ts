/**
 * Carries the ledger's messages to it: takes them from the stream, in order for each order, and posts them. What it
 * has to remember (positions, retries, dead letters) stands in the ledger's own database.
 *
 *   node ledger/push.ts <generated contract of the ledger>
 */
import { pathToFileURL } from 'node:url'
import { createPush, openTransport, type ServiceContract } from '@spandrel/runtime/operate'
import { pgDatabase } from '@spandrel/runtime/pg'
import pg from 'pg'

const { ledger } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as { ledger: ServiceContract }
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 6 })
const transport = await openTransport(process.env['SPANDREL_TRANSPORT_URL'] ?? '')
const say =
  (level: string) =>
  (fields: object, message: string): void =>
    console.log(JSON.stringify({ level, message, ...fields }))

const push = createPush({
  contract: ledger,
  database: pgDatabase(pool),
  transport,
  url: `${process.env['LEDGER_URL'] ?? 'http://127.0.0.1:7005'}/events`,
  logger: { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') },
})
await push.start()
console.log('carrying messages')

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void push
      .stop({ deadlineMs: 5000 })
      .then(() => transport.close())
      .then(() => pool.end())
      .then(() => process.exit(0))
  })
}
