/** The system of two plain services with databases of its own, migrated, and a receiver in this process. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/postgres.ts'
import { migrateDatabases } from '../src/system/migrate-databases.ts'
import { openSystem } from '../src/system/open-system.ts'

export const pairFolder = fileURLToPath(new URL('fixtures/pair', import.meta.url))

export interface Pair {
  front: TestDatabase
  back: TestDatabase
  stream: TestDatabase
  /** for commands that work on it; services are nowhere until a test says where */
  env: Record<string, string>
}

/** Its databases, migrated. */
export async function pair(): Promise<Pair> {
  const [front, back, stream] = [await testDatabase(), await testDatabase(), await testDatabase()]
  const at = (service: string, { url }: TestDatabase): { service: string; url: string; from: string } => ({
    service,
    url,
    from: 'the test',
  })
  await migrateDatabases(await openSystem(`${pairFolder}/spandrel.yaml`), {
    services: [at('front', front), at('back', back)],
    stream: at('stream', stream),
  })
  const env = {
    FRONT_DATABASE_URL: front.url,
    BACK_DATABASE_URL: back.url,
    SPANDREL_TRANSPORT_URL: stream.url,
    FRONT_URL: 'http://127.0.0.1:9',
    BACK_URL: 'http://127.0.0.1:9',
    GATEWAY_PORT: '0',
    SPANDREL_MANAGEMENT_PORT: '0',
  }
  return { front, back, stream, env }
}

/** Sends as any language does: with SQL. */
export async function publish({ front }: Pair, ...names: readonly string[]): Promise<void> {
  await front.pool.query(
    `select spandrel.publish('pair.greetings', 'greeted', jsonb_build_object('name', name), key => name)
     from unnest($1::text[]) as name`,
    [names],
  )
}

export interface Receiver {
  url: string
  /** by message id, in the order of arrival; a copy is another entry */
  heard: { name: string; id: string; authorization: string | undefined }[]
  /** requests wait for this before they are answered */
  gate: Promise<void>
}

/** Gets messages as HTTP POSTs, as a service without our code does. */
export async function receiver(): Promise<Receiver> {
  const heard: Receiver['heard'] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') return void response.writeHead(404).end()
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { name } = JSON.parse(text) as { name: string }
    heard.push({ name, id: String(request.headers['ce-id']), authorization: request.headers.authorization })
    await found.gate
    response.writeHead(name === 'nobody' ? 500 : 204).end()
  }
  const server = createHttpServer((request, response) => void answer(request, response))
  const found: Receiver = { url: await listening(server), heard, gate: Promise.resolve() }
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return found
}

/** The way to a database, which can be cut and mended, and frozen. */
export class DatabaseLink {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #frozen = false
  #freezeAt: string | undefined

  constructor(target: string) {
    this.#target = new URL(target)
    onTestFinished(() => this.cut())
  }

  /** A connection string that leads through it. */
  get url(): string {
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${this.#port}`
    return url.href
  }

  async mend(): Promise<void> {
    const { hostname, port } = this.#target
    this.#server = createServer((client) => {
      const server = connect(Number(port), hostname)
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => {}).on('close', () => other.destroy())
        one.on('data', (chunk) => {
          if (this.#freezeAt !== undefined && chunk.includes(this.#freezeAt)) this.#frozen = true
          if (!this.#frozen) other.write(chunk)
        })
      }
    })
    this.#port = Number(new URL(await listening(this.#server, this.#port)).port)
  }

  /** Connections stay open, and nothing comes through any more: a network that drops packets. */
  freeze(): void {
    this.#frozen = true
  }

  /** The same from the first statement on that has these words in it. */
  freezeAt(words: string): void {
    this.#freezeAt = words
  }

  get frozen(): boolean {
    return this.#frozen
  }

  cut(): void {
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }
}

async function listening(server: Server, port = 0): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
