/**
 * A small order service on plain node:http that keeps what orders.openapi.yaml promises: it claims a key before it
 * works, and writes order and key in one step. With `bug` it has one defect of bugs.ts, where `has(…)` stands.
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { BugName } from './bugs.ts'

interface Answer {
  status: number
  body: unknown
  headers?: Record<string, string>
}

interface KeyRecord {
  fingerprint: string
  claimedAt: number
  done?: { answer: Answer; at: number }
}

/** What the instances share: their database. */
export class Store {
  readonly rows: { kind: string; reference: string; text?: string }[] = []
  readonly keys = new Map<string, KeyRecord>()
}

export type RefundScope = 'global' | 'tenant' | 'shop'

export interface OrderServerOptions {
  store?: Store
  bug?: BugName | undefined
  /** how long the database takes; default 25 ms */
  workMs?: number
  /** base URL of the card service; default: none is asked */
  card?: string
  /** delays every answer by up to so much, and stalls every tenth by 50 ms */
  jitterMs?: number
  /** how long a key is kept once it is done; default a day */
  retentionMs?: number
  /** whose keys those of refunds are; default `global` */
  refundScope?: RefundScope
  /** this instance's clock is so much ahead */
  skewMs?: number
}

export class OrderServer {
  readonly #options: OrderServerOptions
  readonly #store: Store
  readonly #keys: Map<string, KeyRecord>
  readonly #server: Server
  #answered = 0

  static async start(options: OrderServerOptions = {}): Promise<OrderServer> {
    const server = new OrderServer(options)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  private constructor(options: OrderServerOptions) {
    this.#options = options
    this.#store = options.store ?? new Store()
    this.#keys = this.#has('keys-per-process') ? new Map() : this.#store.keys
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #has(bug: BugName): boolean {
    return this.#options.bug === bug
  }

  #now(): number {
    return Date.now() + (this.#options.skewMs ?? 0)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = ''
    try {
      for await (const chunk of request) raw += String(chunk)
    } catch {
      return // the client went before its request was whole
    }
    const answer = await this.#route(request, response, raw).catch((error: unknown): Answer => {
      return { status: 500, body: { title: String(error) } }
    })
    const { jitterMs } = this.#options
    if (jitterMs !== undefined) await pause(++this.#answered % 10 === 0 ? 50 : (this.#answered * 7919) % jitterMs)
    const correlation = request.headers['correlation-id']
    const lost = this.#has('correlation-lost') && answer.status >= 400
    if (response.destroyed) return
    response.writeHead(answer.status, {
      'content-type': answer.status < 400 ? 'application/json' : 'application/problem+json',
      ...(typeof correlation === 'string' && !lost && { 'correlation-id': correlation }),
      ...answer.headers,
    })
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  }

  async #route(request: IncomingMessage, response: ServerResponse, raw: string): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'http://host')
    const caller = request.headers['x-api-key']
    if (typeof caller !== 'string') return { status: 401, body: { title: 'who are you?' } }
    const [, kind = '', reference] = url.pathname.split('/')
    if (request.method === 'GET') {
      const wanted = url.searchParams.get('reference')
      return {
        status: 200,
        body: { total: this.#store.rows.filter((row) => row.kind === kind && row.reference === wanted).length },
      }
    }
    if (kind === 'notes') return await this.#writeNote(decodeURIComponent(reference ?? ''), parse(raw))
    const answer = await this.#keyed(kind, caller, request, response, raw)
    if (kind !== 'refunds' || this.#has('deprecation-silent')) return answer
    return {
      ...answer,
      headers: { ...answer.headers, deprecation: '@1767225600', sunset: 'Tue, 01 Jan 2030 00:00:00 GMT' },
    }
  }

  async #keyed(
    kind: string,
    caller: string,
    request: IncomingMessage,
    response: ServerResponse,
    raw: string,
  ): Promise<Answer> {
    const body = parse(raw)
    if (kind === 'orders' && !isJson(raw)) {
      if (this.#has('malformed-crashes')) throw new SyntaxError('Unexpected end of JSON input')
      if (this.#has('malformed-shows-stack'))
        return { status: 400, body: stackPage, headers: { 'content-type': 'text/html' } }
    }
    const fault = kind === 'orders' ? this.#orderFault(body) : refundFault(body)
    if (fault !== undefined) return { status: 400, body: { title: fault } }
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string') {
      return this.#has('key-optional')
        ? await this.#work(kind, body, undefined)
        : { status: 400, body: { title: 'Idempotency-Key is missing' } }
    }
    if (this.#has('key-ignored')) return await this.#work(kind, body, undefined)
    const operation = this.#has('scope-over-operations') ? '' : kind
    const id = JSON.stringify([operation, this.#ownerOf(kind, caller, request.headers['x-shop']), key])
    const fingerprint = createHash('sha256')
      .update(this.#has('raw-fingerprint') ? raw : canonical(this.#compared(body)))
      .digest('hex')
    const before = this.#known(id)
    const replayed = before?.done !== undefined && before.fingerprint === fingerprint
    if (this.#has('key-forgotten-on-replay') && replayed) this.#keys.delete(id)
    if (before !== undefined) return this.#again(before, fingerprint, { kind, reference: String(body['reference']) })
    const record: KeyRecord = { fingerprint, claimedAt: this.#now() }
    // Claimed in the same turn as it was looked for: nothing can come between.
    if (!this.#has('check-then-act')) this.#keys.set(id, record)
    if (this.#has('suppressed-before-done'))
      record.done = { answer: { status: 201, body: { id: randomUUID() } }, at: this.#now() }
    if (this.#has('key-lost-on-abort'))
      response.once('close', () => !response.writableFinished && this.#keys.delete(id))
    const answer = await this.#work(kind, body, (done) => {
      record.done = { answer: done, at: this.#now() }
      if (this.#has('check-then-act')) this.#keys.set(id, record)
    })
    if (answer.status >= 500 && record.done === undefined) {
      if (this.#has('failure-remembered')) record.done = { answer, at: this.#now() }
      else this.#keys.delete(id)
    }
    return answer
  }

  /** What of a body makes it another one: all of it. */
  #compared(body: Record<string, unknown>): unknown {
    const flat = (value: unknown): unknown => (value !== null && typeof value === 'object' ? '' : value)
    if (this.#has('fingerprint-shallow'))
      return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, flat(value)]))
    return this.#has('fingerprint-sorts-lists') ? sortedLists(body) : body
  }

  /** Whose key it is, as `scope` says. */
  #ownerOf(kind: string, caller: string, shop: unknown): string {
    if (this.#has('scope-over-operations')) return caller
    if (kind === 'orders') return this.#has('scope-over-callers') ? '' : caller
    const { refundScope = 'global' } = this.#options
    if (this.#has('scope-too-narrow')) return caller
    if (this.#has('scope-too-wide') || refundScope === 'global') return ''
    // Ann and Bob work for one company, Cat for another.
    return refundScope === 'shop' ? String(shop) : caller === 'cat' ? 'two' : 'one'
  }

  #known(id: string): KeyRecord | undefined {
    const record = this.#keys.get(id)
    if (record === undefined) return undefined
    const age = this.#now() - (record.done?.at ?? record.claimedAt)
    if (this.#has('short-lease') && record.done === undefined && age > (this.#options.workMs ?? 25) * 0.4)
      return undefined
    if (this.#has('key-expires-early') && record.done !== undefined && age > 300) return undefined
    const { retentionMs = 86_400_000 } = this.#options
    if (record.done !== undefined && age > retentionMs * (this.#has('retention-short') ? 0.8 : 1)) {
      // A tombstone that nobody removes.
      if (this.#has('expired-key-stuck')) delete record.done
      else return undefined
    }
    return record
  }

  #again(record: KeyRecord, fingerprint: string, row: { kind: string; reference: string }): Answer {
    if (record.done === undefined) {
      if (this.#has('overlap-fails')) return { status: 500, body: { title: 'the key is locked' } }
      const headers: Record<string, string> = this.#has('overlap-without-retry-after') ? {} : { 'retry-after': '1' }
      return { status: 409, body: { title: 'the first is still running' }, headers }
    }
    if (record.fingerprint !== fingerprint && !this.#has('no-fingerprint'))
      return { status: 422, body: { title: 'this key had another body' } }
    const { answer, at } = record.done
    if (this.#has('late-duplicate') && answer.status === 201 && this.#now() - at > 200)
      setTimeout(() => this.#store.rows.push(row), 700)
    const headers: Record<string, string> = { ...answer.headers, 'idempotent-replayed': 'true' }
    if (this.#has('replay-loses-header')) delete headers['location']
    if (this.#has('replay-differs')) return { status: answer.status, body: { state: 'known already' }, headers }
    return { ...answer, headers }
  }

  /** `commit` is called in the same turn as the row is written. */
  async #work(
    kind: string,
    body: Record<string, unknown>,
    commit: ((answer: Answer) => void) | undefined,
  ): Promise<Answer> {
    const reference = String(body['reference'])
    const write = (): Answer => {
      const lost = this.#has('expired-key-lost') && this.#store.rows.some((row) => row.reference === reference)
      if (!lost) this.#store.rows.push({ kind, reference })
      const id = randomUUID()
      const body = this.#has('answer-without-id') && kind === 'orders' ? { order: reference } : { id, reference }
      const answer = { status: 201, body, headers: { location: `/${kind}/${id}` } }
      commit?.(answer)
      return answer
    }
    if (body['sku'] === 'gone' || body['amount'] === 404) return this.#refuse(kind, reference, commit)
    if (kind === 'orders' && this.#options.card !== undefined) {
      if (this.#has('effect-outside-transaction')) this.#store.rows.push({ kind, reference })
      const charged = await charge(this.#options.card, this.#has('hangs') ? undefined : 1200)
      if (!charged) {
        const headers: Record<string, string> = this.#has('unavailable-without-retry-after')
          ? {}
          : { 'retry-after': '1' }
        return { status: 503, body: { title: 'cards cannot be charged now' }, headers }
      }
      if (this.#has('effect-outside-transaction')) {
        const answer = {
          status: 201,
          body: { id: randomUUID(), reference },
          headers: { location: `/orders/${reference}` },
        }
        await pause(this.#options.workMs ?? 25)
        commit?.(answer)
        return answer
      }
    }
    await pause(this.#options.workMs ?? 25)
    return write()
  }

  #refuse(kind: string, reference: string, commit: ((answer: Answer) => void) | undefined): Answer {
    if (kind === 'orders' && this.#has('refusal-with-effect')) this.#store.rows.push({ kind, reference })
    const trace = 'Error: no such thing\n    at placeOrder (/srv/app/orders.js:12:9)'
    const answer: Answer = {
      status: kind === 'orders' && this.#has('undeclared-status') ? 418 : 404,
      body: { title: kind === 'orders' && this.#has('stack-trace') ? trace : 'there is no such thing' },
    }
    commit?.(answer)
    return answer
  }

  async #writeNote(reference: string, body: Record<string, unknown>): Promise<Answer> {
    const { text } = body
    if (typeof text !== 'string' || text === '') return { status: 400, body: { title: 'a note has a text' } }
    const find = () => this.#store.rows.find((row) => row.kind === 'notes' && row.reference === reference)
    let row = this.#has('put-adds') ? undefined : find()
    await pause(this.#options.workMs ?? 25)
    if (!this.#has('put-races') && !this.#has('put-adds')) row = find()
    if (row === undefined) this.#store.rows.push({ kind: 'notes', reference, text })
    else row.text = text
    return { status: 200, body: { reference, text } }
  }

  #orderFault({ sku, quantity, gift, ...rest }: Record<string, unknown>): string | undefined {
    if (typeof rest['reference'] !== 'string') return 'an order has a reference'
    if (Object.keys(rest).length > 1) return 'an order has nothing else'
    if (!isGift(gift)) return 'a gift is to somebody, and has lines'
    if (typeof sku !== 'string' || sku === '' || sku.length > 20) return 'an order has a sku'
    if (this.#has('accepts-invalid')) return undefined
    return Number.isInteger(quantity) && (quantity as number) >= 1 && (quantity as number) <= 99
      ? undefined
      : 'an order has a quantity'
  }
}

export function isGift(gift: unknown): boolean {
  if (gift === undefined) return true
  const { to, lines } = (gift ?? {}) as Record<string, unknown>
  return typeof to === 'string' && Array.isArray(lines) && lines.every((line) => typeof line === 'string')
}

function refundFault({ reference, amount }: Record<string, unknown>): string | undefined {
  if (typeof reference !== 'string') return 'a refund has a reference'
  return Number.isInteger(amount) && (amount as number) >= 1 ? undefined : 'a refund has an amount'
}

function parse(raw: string): Record<string, unknown> {
  try {
    const value = JSON.parse(raw) as unknown
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function isJson(raw: string): boolean {
  try {
    JSON.parse(raw)
    return true
  } catch {
    return false
  }
}

/** As Express writes it where nobody else does. */
const stackPage =
  '<!DOCTYPE html><pre>SyntaxError: Unexpected end of JSON input<br> &nbsp; &nbsp;at JSON.parse (&lt;anonymous&gt;)<br> &nbsp; &nbsp;at parse (/srv/node_modules/body-parser/lib/types/json.js:92:19)</pre>'

function sortedLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedLists).toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, sortedLists(inner)]))
}

/** The same text for the same JSON value, whatever the order of its members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join()}}`
}

/** Asks the card service; false where it cannot be reached or takes too long. */
async function charge(card: string, limitMs: number | undefined): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const request = httpRequest(`${card}/charges`, { method: 'POST', agent: false }, (response) => {
    response.resume().once('end', () => resolve(response.statusCode === 200))
  })
  request.once('error', () => resolve(false))
  if (limitMs !== undefined) request.setTimeout(limitMs, () => request.destroy(new Error('too slow')))
  request.end()
  return await promise
}

/** A card service that says yes. */
export async function startCard(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
