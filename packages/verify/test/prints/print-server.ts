/**
 * The print service, plain Node: it accepts prints and calls back the URL it was given, and it answers pushed messages
 * with replies on a channel. With `bug` it has one defect of bugs.ts, where `has(…)` stands.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Transport } from '@spandrel/runtime/operate'
import type { PrintBug } from './bugs.ts'

export interface PrintServerOptions {
  bug?: PrintBug | undefined
  transport: Transport
  /** how long a print takes; default 40 ms */
  printMs?: number
  /** the callback carries its outcome as CloudEvents do, and an id; default: as a member of its body */
  events?: boolean
}

interface Print {
  name: string
  paper: string
  callbackUrl: string
}

export class PrintServer {
  readonly #options: PrintServerOptions
  readonly #server: Server
  readonly #prints: string[] = []
  readonly #keys = new Map<string, { body: string; answered: Promise<number> }>()
  readonly #quoted = new Set<string>()
  #latestUrl = ''

  static async start(options: PrintServerOptions): Promise<PrintServer> {
    const server = new PrintServer(options)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  private constructor(options: PrintServerOptions) {
    this.#options = options
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

  #has(bug: PrintBug): boolean {
    return this.#options.bug === bug
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = ''
    try {
      for await (const chunk of request) raw += String(chunk)
    } catch {
      return
    }
    const url = new URL(request.url ?? '/', 'http://host')
    const answer = (status: number, body: unknown = {}): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.method === 'GET') {
      const name = url.searchParams.get('name')
      return answer(200, { total: this.#prints.filter((one) => one === name).length })
    }
    if (url.pathname === '/events') {
      void this.#quote(request, raw)
      return answer(204)
    }
    const key = request.headers['idempotency-key']
    const print = printIn(raw)
    if (print === undefined || typeof key !== 'string') return answer(400)
    const before = this.#keys.get(key)
    const same = JSON.stringify([print.name, print.paper, print.callbackUrl])
    if (before !== undefined) return answer(before.body === same ? await before.answered : 422)
    const accepted = Promise.withResolvers<number>()
    this.#keys.set(key, { body: same, answered: accepted.promise })
    this.#latestUrl = print.callbackUrl
    await pause(15)
    accepted.resolve(202)
    answer(202)
    void this.#print(print)
  }

  /** After the answer: begun, printed or jammed, and told. */
  async #print({ name, paper, callbackUrl }: Print): Promise<void> {
    const { printMs = 40 } = this.#options
    const jammed = paper === 'torn'
    const where = (): string => (this.#has('callback-elsewhere') ? this.#latestUrl : callbackUrl)
    await this.#call(`${callbackUrl}/begun`, { name, state: 'begun' })
    await pause(printMs)
    const outcome = jammed && !this.#has('callback-always-printed') ? 'jammed' : 'printed'
    const told = { name, state: outcome }
    if (this.#has('callback-inside-transaction')) await this.#call(`${where()}/ended`, told)
    if (!jammed) this.#prints.push(name)
    if (this.#has('callback-inside-transaction') || this.#has('callback-never')) return
    if (this.#has('callback-late')) await pause(12_000, undefined, { ref: false })
    await this.#call(`${where()}/ended`, told)
    if (this.#has('callback-twice')) await this.#call(`${where()}/ended`, told)
    if (this.#has('callback-both-outcomes') && jammed) {
      await pause(60)
      await this.#call(`${where()}/ended`, { name, state: 'printed' })
    }
  }

  async #call(url: string, body: { name: string; state: string }): Promise<void> {
    const { events = false } = this.#options
    const headers = {
      'content-type': 'application/json',
      ...(events && { 'ce-id': randomUUID(), 'ce-source': '/prints', 'ce-type': body.state, 'ce-specversion': '1.0' }),
    }
    const sent = events ? { name: body.name } : body
    await fetch(url, { method: 'POST', headers, body: JSON.stringify(sent) })
      .then((answer) => answer.text())
      .catch(() => {})
  }

  /** A message in CloudEvents' binary mode: noted by its name, and replied to. */
  async #quote(request: IncomingMessage, raw: string): Promise<void> {
    const { name, sheets } = JSON.parse(raw) as { name: string; sheets: number }
    const correlation = String(request.headers['ce-correlationid'])
    const refused = sheets > 100
    if (this.#quoted.has(name)) return
    this.#quoted.add(name)
    const type = refused && !this.#has('reply-always-made') ? 'quoteRefused' : 'quoteMade'
    const early = this.#has('reply-before-effect')
    await pause(15)
    if (!refused && !early) this.#prints.push(name)
    if (refused && this.#has('reply-never')) return
    if (this.#has('reply-late')) await pause(12_000, undefined, { ref: false })
    await this.#reply(type, name, correlation)
    if (this.#has('reply-twice')) await this.#reply(type, name, correlation)
    if (!early || refused) return
    await pause(500)
    this.#prints.push(name)
  }

  async #reply(type: string, name: string, correlation: string): Promise<void> {
    const attributes = {
      specversion: '1.0' as const,
      id: randomUUID(),
      source: '/print-shop/prints',
      type,
      time: new Date().toISOString(),
      datacontenttype: 'application/json' as const,
      correlationid: this.#has('reply-uncorrelated') ? randomUUID() : correlation,
    }
    const data = JSON.stringify({ name })
    await this.#options.transport.publish([{ channel: 'prints.answers', attributes, data }]).catch(() => {})
  }
}

function printIn(raw: string): Print | undefined {
  try {
    const { name, paper, callbackUrl } = JSON.parse(raw) as Record<string, unknown>
    if (typeof name !== 'string' || typeof paper !== 'string' || typeof callbackUrl !== 'string') return undefined
    if (name.length > 60 || paper.length > 10 || callbackUrl.length > 200) return undefined
    return URL.canParse(callbackUrl) ? { name, paper, callbackUrl } : undefined
  } catch {
    return undefined
  }
}
