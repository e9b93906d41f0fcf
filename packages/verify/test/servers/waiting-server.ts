/**
 * Keeps what orders.openapi.yaml promises with `onOverlap: wait`, by another design than order-server.ts: a key is a
 * promise of an answer, and whoever comes while it is open waits for it. What was not remembered is thrown away.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { isGift } from './order-server.ts'

interface Answer {
  status: number
  body: object
  headers?: Record<string, string>
}

interface Row {
  kind: string
  reference: string
}

const gone: Answer = { status: 404, body: { title: 'there is no such thing' } }

export class WaitingServer {
  readonly #card: string
  readonly #rows: Row[] = []
  readonly #notes = new Map<string, string>()
  readonly #keys = new Map<string, { body: unknown; answer: Promise<Answer> }>()
  readonly #server: Server

  static async start(card: string): Promise<WaitingServer> {
    const server = new WaitingServer(card)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  private constructor(card: string) {
    this.#card = card
    this.#server = createServer(
      (request, response) => void this.#serve(request, response).catch(() => response.destroy()),
    )
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { status, body, headers } = await this.#route(request, Buffer.concat(chunks).toString())
    const old = request.url?.startsWith('/refunds') === true && request.method === 'POST'
    const correlation = request.headers['correlation-id']
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(old && { deprecation: '@1767225600', sunset: 'Tue, 01 Jan 2030 00:00:00 GMT' }),
      ...(typeof correlation === 'string' && { 'correlation-id': correlation }),
      ...headers,
    })
    response.end(JSON.stringify(body))
  }

  async #route(request: IncomingMessage, text: string): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host')
    const [, kind = '', name = ''] = pathname.split('/')
    const caller = request.headers['x-api-key']
    if (typeof caller !== 'string') return { status: 401, body: {} }
    if (request.method === 'GET') {
      const reference = searchParams.get('reference') ?? ''
      const total =
        kind === 'notes'
          ? Number(this.#notes.has(reference))
          : this.#rows.filter((row) => row.kind === kind && row.reference === reference).length
      return { status: 200, body: { total } }
    }
    let body: Record<string, unknown>
    try {
      body = JSON.parse(text) as Record<string, unknown>
    } catch {
      return { status: 400, body: { title: 'no JSON' } }
    }
    if (kind === 'notes') {
      if (typeof body['text'] !== 'string' || body['text'] === '') return { status: 400, body: { title: 'no text' } }
      this.#notes.set(decodeURIComponent(name), body['text'])
      return { status: 200, body: { text: body['text'] } }
    }
    if (!valid(kind, body)) return { status: 400, body: { title: 'that is not one' } }
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string') return { status: 400, body: { title: 'no key' } }
    return await this.#once(JSON.stringify(kind === 'orders' ? [kind, caller, key] : [kind, key]), kind, body)
  }

  async #once(id: string, kind: string, body: Record<string, unknown>): Promise<Answer> {
    const known = this.#keys.get(id)
    if (known !== undefined) {
      if (!isDeepStrictEqual(known.body, body)) return { status: 422, body: { title: 'another body' } }
      const answer = await known.answer
      if (answer.status < 500) return { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } }
      // The first failed and is not remembered: one of those who waited becomes the first.
      await turn()
      return await this.#once(id, kind, body)
    }
    const answer = this.#make(kind, body)
    this.#keys.set(id, { body, answer })
    const { status } = await answer
    if (status >= 500) this.#keys.delete(id)
    return await answer
  }

  async #make(kind: string, body: Record<string, unknown>): Promise<Answer> {
    const reference = String(body['reference'])
    if (body['sku'] === 'gone' || body['amount'] === 404) return gone
    if (kind === 'orders') {
      const charged = await fetch(`${this.#card}/charges`, {
        method: 'POST',
        signal: AbortSignal.timeout(1200),
        headers: { connection: 'close' },
      }).then(
        ({ ok }) => ok,
        () => false,
      )
      if (!charged) return { status: 503, body: { title: 'no cards now' }, headers: { 'retry-after': '1' } }
    }
    await pause(15)
    const number = this.#rows.push({ kind, reference })
    return { status: 201, body: { id: number }, headers: { location: `/${kind}/${number}` } }
  }
}

function valid(kind: string, { reference, sku, quantity, gift, amount, ...rest }: Record<string, unknown>): boolean {
  if (typeof reference !== 'string') return false
  if (kind !== 'orders') return Number.isInteger(amount) && (amount as number) >= 1
  const least = Number.isInteger(quantity) && (quantity as number) >= 1 && (quantity as number) <= 99
  return (
    typeof sku === 'string' &&
    sku.length >= 1 &&
    sku.length <= 20 &&
    least &&
    isGift(gift) &&
    amount === undefined &&
    Object.keys(rest).length === 0
  )
}
