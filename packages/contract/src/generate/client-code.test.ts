/** Generated clients against a real server: what goes over the wire, and what comes back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { MediaType, Parameter } from '../model/operation.ts'
import type { JsonSchema } from '../model/schema.ts'
import { generateService } from './generate.ts'
import { operation, parameter, schemaAt, service, system } from '../../test/generate/model-fixture.ts'
import { STRICTEST, typeScriptProject, type TypeScriptProject } from '../../test/generate/typescript-project.ts'

interface Seen {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  body: string
}

type Call = (
  input: object,
  signal?: AbortSignal,
) => Promise<{ status: number; headers: Record<string, string>; body: unknown }>

let server: Server
let project: TypeScriptProject
let client: Record<string, Call>
let baseUrl: string
let seen: Seen
let answer: (response: ServerResponse) => void

const ARRAY = { type: 'array', items: { type: 'string' } }
const OBJECT = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } } }

function styled(name: string, place: Parameter['in'], schema: JsonSchema, style: string, explode: boolean): Parameter {
  return parameter(name, place, schema, { style, explode })
}

function media(contentType: string, schema?: JsonSchema): MediaType {
  const json = contentType.includes('json')
  return { contentType, json, ...(schema === undefined ? {} : { schema: schemaAt(schema) }) }
}

const get = operation('get', 'GET', '/things/{id}/{list}/{label}/{matrix}', {
  parameters: [
    parameter('id', 'path', { type: 'string' }),
    parameter('list', 'path', ARRAY),
    styled('label', 'path', { type: 'string' }, 'label', false),
    styled('matrix', 'path', { type: 'number' }, 'matrix', false),
    parameter('q', 'query', { type: 'string' }),
    parameter('flag', 'query', { type: 'boolean' }),
    parameter('many', 'query', ARRAY),
    parameter('members', 'query', OBJECT),
    styled('commas', 'query', ARRAY, 'form', false),
    styled('pairs', 'query', OBJECT, 'form', false),
    styled('pipes', 'query', ARRAY, 'pipeDelimited', false),
    styled('spaces', 'query', ARRAY, 'spaceDelimited', false),
    styled('deep', 'query', OBJECT, 'deepObject', true),
    parameter('filter', 'query', OBJECT, { contentType: 'application/json' }),
    parameter('a&b=c', 'query', { type: 'string' }),
    parameter('X-Trace', 'header', { type: 'string' }),
    parameter('X-List', 'header', ARRAY),
    parameter('session', 'cookie', { type: 'string' }),
    parameter('Authorization', 'header', { type: 'string' }),
  ],
  answers: { 200: { type: 'object' } },
})
const put = operation('put', 'PUT', '/things', {
  body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
  answers: { 201: undefined, '4XX': { type: 'object' }, default: { type: 'object' } },
})
const location = get.location
const upload = operation('upload', 'POST', '/upload', {
  more: {
    requestBody: { required: true, location, content: [media('application/octet-stream')] },
    responses: {
      200: { status: '200', headers: [], location, content: [media('application/pdf')] },
      202: { status: '202', headers: [], location, content: [media('text/plain')] },
      303: {
        status: '303',
        headers: [{ name: 'Location', required: true, schema: schemaAt({ type: 'string' }) }],
        location,
        content: [],
      },
    },
  },
})
const patch = operation('patch', 'PATCH', '/patch', {
  more: {
    requestBody: { required: false, location, content: [media('application/merge-patch+json', { type: 'object' })] },
  },
})

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen = {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      }
      answer(response)
    })
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  project = await typeScriptProject()
  const operations = [get, put, upload, patch]
  const uses = Object.fromEntries(operations.map((each) => [`things.${each.operation}`, each]))
  const text = generateService(
    system('shop', [service('orders', { uses }), service('things', { operations })]),
    'orders',
  )
  await project.write({ 'orders.contract.ts': text })
  const module: { thingsClient(options: object): typeof client } = await import(join(project.dir, 'orders.contract.ts'))
  client = module.thingsClient({ baseUrl: `${baseUrl}/api/`, headers: { authorization: 'Bearer t' } })
})
afterAll(async () => {
  server.close()
  await project[Symbol.asyncDispose]()
})
beforeEach(() => {
  answer = (response) => response.setHeader('content-type', 'application/json').end('{"ok":true}')
})

test('compiles under the strictest options', async () => {
  expect(await project.typeCheck(STRICTEST)).toEqual([])
})

describe('a request', () => {
  const PARAMS = { id: 'a/b c?', list: ['x', 'y/z'], label: 'l', matrix: 3 }

  test('has its path encoded, in every style', async () => {
    await client['get']?.({ params: { ...PARAMS, id: '$& {list} é' } })
    expect(seen.url).toBe('/api/things/%24%26%20%7Blist%7D%20%C3%A9/x,y%2Fz/.l/;matrix=3')
  })

  test.each([
    [{ q: 'a b&c=d#é' }, 'q=a%20b%26c%3Dd%23%C3%A9'],
    [{ flag: false }, 'flag=false'],
    [{ many: ['a', 'b,c'] }, 'many=a&many=b%2Cc'],
    [{ many: [] }, ''],
    [{ members: { a: 'x&', b: 2 } }, 'a=x%26&b=2'],
    [{ commas: ['a', 'b,c'] }, 'commas=a,b%2Cc'],
    [{ pairs: { a: 'x', b: 2 } }, 'pairs=a,x,b,2'],
    [{ pipes: ['a', 'b'] }, 'pipes=a%7Cb'],
    [{ spaces: ['a', 'b'] }, 'spaces=a%20b'],
    [{ deep: { a: 'x', b: 2 } }, 'deep[a]=x&deep[b]=2'],
    [{ filter: { a: 'x' } }, 'filter=%7B%22a%22%3A%22x%22%7D'],
    [{ 'a&b=c': '1' }, 'a%26b%3Dc=1'],
    [{ q: undefined }, ''],
    [{ toString: 'x', constructor: 'y' }, ''],
    [{ q: '1', flag: true }, 'q=1&flag=true'],
  ])('has its query encoded: %j', async (query, text) => {
    await client['get']?.({ params: PARAMS, query })
    expect(seen.url?.split('?')[1] ?? '').toBe(text)
  })

  test('has its headers and cookies, and those of the client; what OpenAPI says is no parameter is none', async () => {
    const headers = { 'x-trace': 't1', 'x-list': ['a', 'b'], authorization: 'other' }
    await client['get']?.({ params: PARAMS, headers, cookies: { session: 'a;b' } })
    expect(seen.headers).toMatchObject({
      'x-trace': 't1',
      'x-list': 'a,b',
      cookie: 'session=a%3Bb',
      authorization: 'Bearer t',
    })
  })

  test('has its JSON body and media type', async () => {
    answer = (response) => response.writeHead(201).end()
    await client['put']?.({ body: { name: 'é' } })
    expect(seen).toMatchObject({ method: 'PUT', body: '{"name":"é"}', headers: { 'content-type': 'application/json' } })
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('1')
    await client['patch']?.({ body: {} })
    expect(seen).toMatchObject({
      method: 'PATCH',
      body: '{}',
      headers: { 'content-type': 'application/merge-patch+json' },
    })
    await client['patch']?.({})
    expect([seen.body, seen.headers['content-type']]).toEqual(['', undefined])
  })

  test('has its bytes as they are', async () => {
    answer = (response) => response.writeHead(202, { 'content-type': 'text/plain' }).end('ok')
    await client['upload']?.({ body: new Uint8Array([104, 105]) })
    expect(seen).toMatchObject({ body: 'hi', headers: { 'content-type': 'application/octet-stream' } })
  })

  test('ends with its signal', async () => {
    answer = () => {}
    await expect(client['patch']?.({}, AbortSignal.timeout(30))).rejects.toMatchObject({ name: 'TimeoutError' })
    server.closeAllConnections()
  })
})

describe('an answer', () => {
  const put = (): Promise<unknown> => client['put']?.({ body: { name: 'x' } }) ?? Promise.reject(new Error('no client'))

  test('by its status, its class, and default', async () => {
    answer = (response) => response.writeHead(201, { 'x-y': 'z' }).end('ignored')
    expect(await put()).toMatchObject({ status: 201, body: undefined, headers: { 'x-y': 'z' } })
    for (const status of [404, 503]) {
      answer = (response) => response.writeHead(status, { 'content-type': 'application/json' }).end('{"title":"no"}')
      expect(await put()).toMatchObject({ status, body: { title: 'no' } })
    }
  })

  test('text and bytes; a redirect that the contract declares is an answer', async () => {
    const body = new Uint8Array()
    answer = (response) => response.writeHead(200, { 'content-type': 'application/pdf' }).end(Buffer.from([1, 2]))
    expect(await client['upload']?.({ body })).toMatchObject({ body: new Uint8Array([1, 2]) })
    answer = (response) => response.writeHead(202, { 'content-type': 'text/plain' }).end('é')
    expect(await client['upload']?.({ body })).toMatchObject({ body: 'é' })
    answer = (response) => response.writeHead(303, { location: '/elsewhere' }).end()
    expect(await client['upload']?.({ body })).toMatchObject({ status: 303, headers: { location: '/elsewhere' } })
  })

  test('that the contract does not declare, or that is not JSON, is an error', async () => {
    answer = (response) => response.writeHead(418).end('teapot')
    await expect(client['patch']?.({})).rejects.toThrow(
      'things.patch answered 418, which its contract does not declare',
    )
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    await expect(client['patch']?.({})).rejects.toThrow('things.patch answered 200 with a body that is not JSON')
  })
})
