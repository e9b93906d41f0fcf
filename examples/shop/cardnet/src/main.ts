/**
 * The card network: a company of its own, which chaos never touches. It honours `Idempotency-Key` and writes down
 * requests and charges apart, so that it can be asked afterwards how often a card holder really paid.
 *
 *   requests.jsonl   every request that came in: { at, path, key, reference }
 *   charges.jsonl    money that moved: { at, what: charge | refund, id, charge?, amount, reference, key }
 *
 * Cards whose token ends in 0002 are declined. It is as slow as such networks are: some 10 ms, at times a quarter of a second.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'

interface Answer {
  status: number
  body: object
}

const directory = process.env['CARDNET_LOGS'] ?? '.'
const charges = new Map<string, { amount: number; currency: string; reference: string }>()
/** By path and key. A promise, so that a copy that overlaps the first waits for the same answer. */
const answers = new Map<string, { payload: string; answer: Promise<Answer> }>()
let outstanding = 0

function log(file: string, entry: object): void {
  appendFileSync(join(directory, file), `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
}

async function charge(
  body: { token: string; amount: number; currency: string; reference: string },
  key?: string,
): Promise<Answer> {
  if (body.token.endsWith('0002')) return { status: 402, body: { reason: 'the card was declined' } }
  const id = `ch_${randomUUID()}`
  charges.set(id, body)
  log('charges.jsonl', { what: 'charge', id, amount: body.amount, reference: body.reference, key })
  return { status: 201, body: { id, amount: body.amount, currency: body.currency } }
}

async function refund(body: { charge: string; amount: number }, key?: string): Promise<Answer> {
  const original = charges.get(body.charge)
  if (original === undefined) return { status: 404, body: { reason: 'there is no such charge' } }
  const id = `re_${randomUUID()}`
  log('charges.jsonl', {
    what: 'refund',
    id,
    charge: body.charge,
    amount: body.amount,
    reference: original.reference,
    key,
  })
  return { status: 201, body: { id, charge: body.charge, amount: body.amount } }
}

async function answer(path: string, payload: string, key: string | undefined): Promise<Answer> {
  const body = JSON.parse(payload)
  const work = (): Promise<Answer> => (path === '/charges' ? charge(body, key) : refund(body, key))
  if (key === undefined) return work()
  const known = answers.get(`${path} ${key}`)
  if (known === undefined) {
    const first = work()
    answers.set(`${path} ${key}`, { payload, answer: first })
    return first
  }
  if (known.payload !== payload) return { status: 422, body: { reason: 'this key was used for something else' } }
  return known.answer
}

async function text(request: IncomingMessage): Promise<string> {
  let read = ''
  for await (const chunk of request.setEncoding('utf8')) read += String(chunk)
  return read
}

/** The network's own time: the same for the same key, so that a seed gives the same run. */
function slowness(of: string): number {
  let sum = 7
  for (const letter of of) sum = (sum * 31 + letter.charCodeAt(0)) % 1009
  return sum % 16 === 0 ? 250 : 5 + (sum % 30)
}

const server = createServer((request, response) => {
  const path = request.url ?? '/'
  if (path === '/outstanding') {
    response.end(String(outstanding))
    return
  }
  if (request.method !== 'POST' || (path !== '/charges' && path !== '/refunds')) {
    response.writeHead(404).end()
    return
  }
  outstanding++
  response.once('close', () => outstanding--)
  const header = request.headers['idempotency-key']
  const key = (Array.isArray(header) ? header[0] : header)?.replace(/^"(.*)"$/, '$1')
  void text(request).then(async (payload) => {
    log('requests.jsonl', { path, key, reference: JSON.parse(payload).reference })
    const { status, body } = await answer(path, payload, key)
    // The money has moved by now. Whoever does not hear the answer has to ask again.
    setTimeout(() => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }, slowness(payload))
  })
})

server.listen(Number(process.env['PORT'] ?? 7009), '127.0.0.1', () => {
  console.log('cardnet: listening')
})
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
