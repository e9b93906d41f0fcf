/** Real servers around a gateway: services, clients that speak bytes, and a gateway that is closed with its test. */
import { createServer, type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { afterAll, afterEach } from 'vitest'
import { createGateway, type Gateway, type GatewayOptions } from '../src/index.ts'

const cleanups: (() => unknown)[] = []

let keep = false

async function clean(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
}

afterEach(() => (keep ? undefined : clean()))
afterAll(clean)

/** What a file starts from here on stays until its last test. */
export function keepServers(): void {
  keep = true
}

export interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: Buffer
}

export interface TestService {
  url: string
  port: number
  server: Server
  /** requests whose body has arrived */
  seen: Seen[]
  connections: () => number
  close(): Promise<void>
}

/** A service that answers `{}` unless told otherwise. */
export async function service(
  answer: (request: IncomingMessage, response: ServerResponse, seen: Seen) => unknown = (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  options: { port?: number } = {},
): Promise<TestService> {
  const seen: Seen[] = []
  let connections = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one: Seen = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks),
      }
      seen.push(one)
      answer(request, response, one)
    })
  })
  server.keepAliveTimeout = 60_000
  server.on('connection', () => connections++)
  const port = await listening(server, options.port)
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  cleanups.push(close)
  return { url: `http://127.0.0.1:${port}`, port, server, seen, connections: () => connections, close }
}

export interface RawService {
  url: string
  port: number
  /** everything received so far, on all connections */
  received: () => string
  connections: () => number
}

/** A server of plain sockets. */
export async function rawService(onSocket: (socket: Socket) => void = () => {}): Promise<RawService> {
  const sockets = new Set<Socket>()
  let received = ''
  let connections = 0
  const server = createNetServer((socket) => {
    sockets.add(socket)
    connections++
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => (received += chunk.toString('latin1')))
    onSocket(socket)
  })
  const port = await listening(server)
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received: () => received,
    connections: () => connections,
  }
}

async function listening(server: NetServer, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A port that refuses connections. */
export async function closedPort(): Promise<number> {
  const server = createNetServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface TestGateway {
  gateway: Gateway
  url: string
  port: number
}

export async function gateway(options: GatewayOptions): Promise<TestGateway> {
  const one = createGateway(options)
  cleanups.push(() => one.close({ deadlineMs: 1000 }))
  const { port, url } = await one.listen({ port: 0 })
  return { gateway: one, url, port }
}

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  text: string
  json: () => Record<string, unknown>
}

/** One request on a connection of its own. */
export function ask(
  url: string,
  options: {
    method?: string
    headers?: Readonly<Record<string, string | string[]>> | string[]
    body?: string | Buffer
    /** as written, where `url` would normalise it */
    path?: string
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method: options.method ?? 'GET',
        agent: false,
        ...(options.path !== undefined && { path: options.path }),
        ...(options.headers !== undefined && { headers: options.headers as Record<string, string> }),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          })
        })
      },
    )
    request.on('error', reject)
    request.end(options.body)
  })
}

export function post(url: string, value: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  })
}

export interface RawClient {
  socket: Socket
  /** everything received so far */
  received: () => string
  /** resolves when the connection is closed, with everything received */
  closed: Promise<string>
  /** resolves when what was received fits */
  until: (test: (received: string) => boolean) => Promise<string>
}

/** A client that sends bytes as they are. */
export function raw(port: number, bytes?: string): RawClient {
  let text = ''
  const waiting = new Set<() => void>()
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    for (const wake of waiting) wake()
  })
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)))
  if (bytes !== undefined) socket.write(bytes, 'latin1')
  cleanups.push(() => socket.destroy())
  return {
    socket,
    received: () => text,
    closed,
    until: (test) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!test(text)) return
          waiting.delete(look)
          resolve(text)
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Resolves when a condition holds; asks at every turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

export function onCleanup(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}
