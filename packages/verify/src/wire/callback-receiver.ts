/** Listens on this machine alone, and takes what the service calls back, at a URL of its own for each trial. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Call {
  /** the trial's part of the URL */
  readonly token: string
  readonly at: number
  readonly method: string
  /** what came behind the URL, query included */
  readonly rest: string
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface CallbackOptions {
  readonly clock: () => number
  /** the status it is answered with; undefined: nobody asked for that */
  readonly answer: (call: Call) => Promise<number | undefined>
  /** `answered`: the answer left while somebody waited for it */
  readonly onCall: (call: Call, answered: boolean) => void
}

/** bytes; what is longer is no outcome */
const longest = 1024 * 1024

export class CallbackReceiver {
  readonly #options: CallbackOptions
  readonly #server: Server

  static async start(options: CallbackOptions): Promise<CallbackReceiver> {
    const receiver = new CallbackReceiver(options)
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  private constructor(options: CallbackOptions) {
    this.#options = options
    this.#server = createServer((request, response) => void this.#take(request, response))
  }

  url(token: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${token}`
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    try {
      for await (const chunk of request.setEncoding('utf8')) {
        body += String(chunk)
        if (body.length > longest) return void response.writeHead(413, { connection: 'close' }).end()
      }
    } catch {
      return // it went before it had said everything
    }
    const found = /^\/([^/?]*)(.*)$/.exec(request.url ?? '/')
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
    )
    const [token = '', rest = ''] = [found?.[1], found?.[2]]
    const call = { token, at: this.#options.clock(), method: request.method ?? '', rest, headers, body }
    const status = await this.#options.answer(call)
    if (status === undefined) return void response.writeHead(404).end()
    const note = (): void => this.#options.onCall(call, response.writableFinished)
    if (response.destroyed) return note()
    response.once('close', note)
    response.writeHead(status).end()
  }
}
