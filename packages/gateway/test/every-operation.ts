/**
 * A document that nobody wrote for us behind a gateway, an echo behind that: each operation is asked for once. The
 * operations are counted by a reader of its own, so that one which our model loses is missed here.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directed, formatFinding, loadSystem, type System } from '@spandrel/contract'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { parse } from 'yaml'
import { type AuthOptions, createGateway } from '../src/index.ts'
import { type ContractRequest, RequestWriter, type Wallet } from './contract-request.ts'

export interface Outcome {
  /** as the bare document has them: `GET /orders/{id}` */
  readonly declared: readonly string[]
  /** those whose request reached the echo as it was sent, and whose answer came back */
  readonly answered: readonly string[]
  readonly faults: readonly string[]
  /** requests with a body, and parameters sent in all */
  readonly bodies: number
  readonly parameters: number
}

const apiKey = 'a-key-of-this-test'
const proxied = { 'x-proxied-caller': 'test' }
const methods = /^(?:get|put|post|delete|options|head|patch|trace|query)$/

/** What a document says it has, read without our reader. */
async function declaredIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  const document = (file.endsWith('.json') ? JSON.parse(text) : parse(text)) as Record<string, unknown>
  const paths = (document['openapi'] ?? document['swagger']) === undefined ? {} : (document['paths'] ?? {})
  return Object.entries(paths as Record<string, Record<string, object>>).flatMap(([path, item]) => [
    ...Object.keys(item).flatMap((key) => (methods.test(key) ? [`${key.toUpperCase()} ${path}`] : [])),
    ...Object.keys(item['additionalOperations'] ?? {}).map((method) => `${method} ${path}`),
  ])
}

interface Seen {
  readonly method: string
  readonly url: string
  readonly body: Buffer
}

/** Keeps what arrives by the number each request carries, and says it back. */
async function echo(): Promise<{ url: string; seen: Map<string, Seen[]>; close: () => Promise<void> }> {
  const seen = new Map<string, Seen[]>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const number = String(request.headers['x-number'])
      const body = Buffer.concat(chunks)
      seen.set(number, [...(seen.get(number) ?? []), { method: request.method ?? '', url: request.url ?? '', body }])
      response.writeHead(200, { 'content-type': 'text/plain', 'x-echo': digest(body) })
      response.end(`${number} ${request.method} ${request.url}`)
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close }
}

async function identity(dir: string): Promise<{ auth: AuthOptions; wallet: Wallet }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwks = join(dir, 'jwks.json')
  await writeFile(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] }))
  const sha256 = createHash('sha256').update(apiKey).digest('hex')
  return {
    auth: {
      jwt: { jwks, issuer: 'https://id.example', audience: 'test' },
      apiKeys: [{ id: 'test', sha256 }],
      trusted: { header: 'x-proxied-caller', from: ['127.0.0.1'] },
    },
    wallet: {
      apiKey,
      proxied,
      token: (scopes) =>
        new SignJWT({ iss: 'https://id.example', aud: 'test', sub: 'test', scope: scopes.join(' ') })
          .setProtectedHeader({ alg: 'ES256', kid: 'one' })
          .setExpirationTime('5m')
          .sign(privateKey),
    },
  }
}

async function load(dir: string, document: string): Promise<System> {
  const file = join(dir, 'spandrel.yaml')
  // JSON is YAML.
  const services = { one: { owner: 'them', contracts: [document], url: 'http://127.0.0.1:1' } }
  await writeFile(file, JSON.stringify({ version: 1, system: 'documents', services }))
  const { system, findings } = await loadSystem(file, { env: {} })
  if (system === undefined)
    throw new Error(findings.flatMap((one) => (one.severity === 'error' ? formatFinding(one) : [])).join('\n'))
  return system
}

export async function askEveryOperation(document: string): Promise<Outcome> {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-documents-'))
  const upstream = await echo()
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  try {
    const declared = await declaredIn(document)
    const system = await load(dir, document)
    const { auth, wallet } = await identity(dir)
    await using gateway = createGateway({ system, upstreams: { one: upstream.url }, auth })
    const { port } = await gateway.listen({ port: 0 })
    const service = directed(system.services['one']!)
    const writer = new RequestWriter(service)
    const answered: string[] = []
    const faults: string[] = []
    let bodies = 0
    let parameters = 0
    await Promise.all(
      Object.values(service.operations).map(async (operation, index) => {
        const name = `${operation.method} ${operation.path}`
        const number = String(index)
        const request = await writer.write(operation, wallet)
        const { status, headers, text } = await send(port, agent, request, number)
        const arrived = upstream.seen.get(number) ?? []
        const fault = faultOf(request, arrived, { number, status, headers, text })
        if (fault === undefined) answered.push(name)
        else faults.push(`${name} (${operation.operation}): ${fault}`)
        if (request.body !== undefined) bodies++
        parameters += operation.parameters.length
      }),
    )
    // That it was taken for this operation, and not for a neighbour whose template fits as well.
    const counted = gateway.metrics()
    for (const { operation } of Object.values(service.operations)) {
      const line = `spandrel_gateway_requests_total{service="one",operation=${JSON.stringify(operation)},status="200"} 1\n`
      if (!counted.includes(line)) faults.push(`${operation}: another operation was taken for it`)
    }
    return { declared, answered, faults, bodies, parameters }
  } finally {
    agent.destroy()
    await upstream.close()
    await rm(dir, { recursive: true, force: true })
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function faultOf(
  { method, target, body = Buffer.alloc(0) }: ContractRequest,
  arrived: readonly Seen[],
  { number, status, headers, text }: Answer & { readonly number: string },
): string | undefined {
  if (status !== 200) return `${status} ${text} for ${target} ${body.toString('utf8').slice(0, 300)}`
  const [seen, ...more] = arrived
  if (seen === undefined || more.length > 0) return `reached the echo ${arrived.length} times`
  if (seen.method !== method || seen.url !== target) return `arrived as ${seen.method} ${seen.url}, not ${target}`
  if (!seen.body.equals(body)) return `its body arrived as ${seen.body.toString('utf8').slice(0, 200)}`
  if (headers['x-echo'] !== digest(body)) return 'the answer is another one'
  const said = method === 'HEAD' ? '' : `${number} ${method} ${target}`
  return text === said ? undefined : `the answer is ${text}`
}

function send(port: number, agent: Agent, request: ContractRequest, number: string): Promise<Answer> {
  const { method, target, headers, body } = request
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, agent, method, path: target, headers: { ...headers, 'x-number': number } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    sent.on('error', reject)
    if (body === undefined) return void sent.end()
    sent.setHeader('content-length', body.length)
    sent.end(body)
  })
}

function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
