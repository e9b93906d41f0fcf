import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { beforeEach, expect, test } from 'vitest'
import { ask, closedPort, gateway, rawService, service, until } from '../../test/servers.ts'
import { type OperationSketch, system } from '../../test/system.ts'

const exporter = new InMemorySpanExporter()
const parent = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
const traceparent = `00-${parent.traceId}-${parent.spanId}-01`

function collect(root = new AlwaysOnSampler()): void {
  trace.disable()
  const sampler = new ParentBasedSampler({ root })
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
}

beforeEach(() => {
  exporter.reset()
  collect()
})

const operations: Record<string, OperationSketch> = {
  getOrder: { path: '/orders/{id}', parameters: [{ name: 'id', in: 'path', schema: { type: 'integer' } }] },
  place: { method: 'POST', path: '/orders' },
}

function before(url: string | string[]): ReturnType<typeof gateway> {
  return gateway({
    system: system({ shop: { url: 'http://unused', operations, gateway: { path: '/v1' } } }),
    upstreams: { shop: url },
  })
}

/** Server and client span of the one request that was made. */
async function spans(count = 2): Promise<{ server: ReadableSpan; client: ReadableSpan | undefined }> {
  await until(() => exporter.getFinishedSpans().length === count)
  const all = exporter.getFinishedSpans()
  return {
    server: all.find(({ kind }) => kind === SpanKind.SERVER)!,
    client: all.find(({ kind }) => kind === SpanKind.CLIENT),
  }
}

test('a server span under the caller’s, a client span under it, and the service under that', async () => {
  const one = await service()
  const { url, port } = await before(one.url)
  await ask(`${url}/v1/orders/7?token=secret`, {
    headers: { traceparent, tracestate: 'vendor=1', 'user-agent': 'test', 'correlation-id': 'c-1', cookie: 'a=secret' },
  })
  const { server, client } = await spans()
  expect(server).toMatchObject({
    name: 'GET /v1/orders/{id}',
    kind: SpanKind.SERVER,
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/v1/orders/{id}',
      'http.response.status_code': 200,
      'url.path': '/v1/orders/7',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': port,
      'client.address': '127.0.0.1',
      'network.protocol.version': '1.1',
      'user_agent.original': 'test',
      'spandrel.service': 'shop',
      'spandrel.operation': 'getOrder',
      'spandrel.correlation_id': 'c-1',
    },
  })
  expect(server.spanContext().traceId).toBe(parent.traceId)
  expect(server.parentSpanContext?.spanId).toBe(parent.spanId)
  expect(client).toMatchObject({
    name: 'GET',
    parentSpanContext: { spanId: server.spanContext().spanId },
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'peer.service': 'shop',
      'server.address': '127.0.0.1',
      'server.port': one.port,
      'url.template': '/orders/{id}',
    },
  })
  const sent = client?.spanContext()
  expect(one.seen[0]?.headers['traceparent']).toBe(`00-${parent.traceId}-${sent?.spanId}-01`)
  expect(one.seen[0]?.headers['tracestate']).toBe('vendor=1')
  expect(JSON.stringify([server.attributes, client?.attributes])).not.toContain('secret')
})

test('what is refused has a server span alone; a fault of the client is no error', async () => {
  const one = await service()
  const { url } = await before(one.url)
  await ask(`${url}/v1/orders/seven`)
  const { server, client } = await spans(1)
  expect(client).toBeUndefined()
  expect(server).toMatchObject({ name: 'GET /v1/orders/{id}', status: { code: SpanStatusCode.UNSET } })
  expect(server.attributes['http.response.status_code']).toBe(400)

  exporter.reset()
  await ask(`${url}/nowhere/4711`, { method: 'PROPFIND' })
  const unknown = (await spans(1)).server
  // A path that is no route, and a method that is none, are no names: whoever guesses would make one each.
  expect(unknown).toMatchObject({
    name: 'HTTP',
    attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'PROPFIND' },
  })
  expect(unknown.attributes).not.toHaveProperty('http.route')
})

test('an answer of a service that failed is an error of both; a 404 of the client span alone', async () => {
  let status = 500
  const one = await service((_request, response) => response.writeHead(status).end())
  const { url } = await before(one.url)
  await ask(`${url}/v1/orders/7`)
  let { server, client } = await spans()
  expect([server.status.code, server.attributes['error.type']]).toEqual([SpanStatusCode.ERROR, '500'])
  expect([client?.status.code, client?.attributes['error.type']]).toEqual([SpanStatusCode.ERROR, '500'])
  exporter.reset()
  status = 404
  await ask(`${url}/v1/orders/7`)
  ;({ server, client } = await spans())
  expect([server.status.code, client?.status.code]).toEqual([SpanStatusCode.UNSET, SpanStatusCode.ERROR])
})

test('a service that is away: how it failed; one that answers at the second attempt: how many there were', async () => {
  const dead = `http://127.0.0.1:${await closedPort()}`
  const away = await before(dead)
  await ask(`${away.url}/v1/orders/7`)
  const { server, client } = await spans()
  expect(client).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'connect' } })
  expect(server).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': '503' } })

  exporter.reset()
  let connections = 0
  const flaky = await rawService((socket) => {
    connections++
    socket.on('data', () => {
      if (connections === 1) socket.destroy()
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    })
  })
  const { url } = await before(flaky.url)
  expect((await ask(`${url}/v1/orders/7`)).status).toBe(200)
  expect((await spans()).client).toMatchObject({
    status: { code: SpanStatusCode.UNSET },
    attributes: { 'http.request.resend_count': 1, 'http.response.status_code': 200 },
  })
})

test('a trace that is not sampled goes on so, under an id of ours; a broken parent is none', async () => {
  collect(new AlwaysOffSampler())
  const one = await service()
  const { url } = await before(one.url)
  await ask(`${url}/v1/orders/7`, { headers: { traceparent: traceparent.replace(/01$/, '00') } })
  await ask(`${url}/v1/orders/7`, { headers: { traceparent: 'nonsense' } })
  await until(() => one.seen.length === 2)
  expect(one.seen[0]?.headers['traceparent']).toMatch(new RegExp(`^00-${parent.traceId}-(?!${parent.spanId}).{16}-00$`))
  expect(one.seen[1]?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  expect(exporter.getFinishedSpans()).toHaveLength(0)
})

test('without an SDK the headers are as they are without OpenTelemetry', async () => {
  trace.disable()
  const one = await service()
  const { url } = await before(one.url)
  await ask(`${url}/v1/orders/7`, { headers: { traceparent } })
  await ask(`${url}/v1/orders/7`)
  expect(one.seen[0]?.headers['traceparent']).toMatch(new RegExp(`^00-${parent.traceId}-(?!${parent.spanId}).{16}-01$`))
  expect(one.seen[1]?.headers['traceparent']).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/)
})
