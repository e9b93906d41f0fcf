// The ledger: a service that knows nothing of Spandrel. Messages arrive as CloudEvents over HTTP, one POST each, at
// least once and in order for each order. Two answers matter to the sender: 2xx is booked (now or before), anything
// else is try again later.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import pg from 'pg'

// A message is given up after 5 s and comes again. By then the transaction that had it must be over, whatever became of
// its connection: the copy waits for it.
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  application_name: 'ledger',
  max: 8,
  query_timeout: 4000,
  statement_timeout: 3000,
  idle_in_transaction_session_timeout: 3000,
})
pool.on('error', (error) => console.error(`ledger: a database connection was lost: ${error.message}`))

const SIGN = { paymentCaptured: 1, paymentRefunded: -1 }

async function book({ source, id, type, data }) {
  const amount = SIGN[type] * (data.total ?? data.amount)
  const client = await pool.connect()
  let broken
  try {
    await client.query('begin')
    // A copy that arrives while the first is still being booked waits here for its commit.
    const first = await client.query('insert into seen (source, id) values ($1, $2) on conflict do nothing', [
      source,
      id,
    ])
    if (first.rowCount === 1) {
      await client.query(
        `insert into bookings (booking, what, account, amount, order_id)
         values ($1, $2, 'card-receivables', $3, $4), ($1, $2, 'sales', -$3::int, $4)`,
        [randomUUID(), amount > 0 ? 'capture' : 'refund', amount, data.orderId],
      )
    }
    await client.query('commit')
    return first.rowCount === 1
      ? `ledger ${amount < 0 ? '-' : '+'}${(Math.abs(amount) / 100).toFixed(2)}`
      : 'ledger had it'
  } catch (error) {
    // A connection that cannot even be rolled back is not used again.
    await client.query('rollback').catch((failure) => (broken = failure))
    throw error
  } finally {
    client.release(broken)
  }
}

const MAX_BYTES = 64 * 1024

async function read(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_BYTES) throw new RangeError('the message is too large')
  }
  return JSON.parse(text)
}

async function answer(request, response) {
  if (request.url === '/health') return response.end('ok')
  if (request.method !== 'POST' || request.url !== '/events') return response.writeHead(404).end()
  try {
    const { 'ce-source': source, 'ce-id': id, 'ce-type': type } = request.headers
    const data = await read(request)
    if (!(type in SIGN)) return response.writeHead(204).end() // nothing to book
    // `journey-note` is optional: the sender shows it beside this delivery.
    response.writeHead(204, { 'journey-note': await book({ source, id, type, data }) }).end()
  } catch (error) {
    console.error(`ledger: ${error.message}`)
    response.writeHead(error instanceof SyntaxError || error instanceof RangeError ? 400 : 503).end()
  }
}

const server = createServer((request, response) => void answer(request, response))

server.listen(Number(process.env.PORT ?? 7005), '127.0.0.1', () =>
  console.log(`ledger: listening on ${server.address().port}`),
)

process.once('SIGTERM', () => {
  server.close(() => void pool.end().then(() => process.exit(0)))
  server.closeIdleConnections()
})
