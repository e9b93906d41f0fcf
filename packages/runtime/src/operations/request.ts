/** From a raw request to validated input: parameters as their contract says, the body read within bounds. */
import type { IncomingMessage } from 'node:http'
import type { BodyContract, OperationContract, ValidationFault } from '../contract/service-contract.ts'
import { SpandrelError } from '../errors.ts'
import { isJson } from './answer.ts'
import { readCookies, readParameter } from './parameters.ts'
import { Refused } from './problem.ts'

export interface ParsedRequest {
  params: Record<string, unknown>
  query: Record<string, unknown>
  headers: Record<string, unknown>
  body: unknown
  /** the query as sent, ordered by name: part of the fingerprint */
  rawQuery: readonly (readonly [string, string])[]
}

export interface RequestFault {
  in: string
  name?: string
  pointer?: string
  detail: string
}

/**
 * Reads and validates everything the contract declares. Throws `Refused` for a body that cannot be read at all;
 * other faults are returned, all of them.
 */
export async function parseRequest(
  request: IncomingMessage,
  operation: OperationContract,
  pathParams: Readonly<Record<string, string>>,
  search: string,
  limits: { maxBodyBytes: number },
): Promise<{ parsed: ParsedRequest; faults: readonly RequestFault[] }> {
  const query = new URLSearchParams(search)
  const faults: RequestFault[] = []
  const parsed: ParsedRequest = {
    params: { ...pathParams },
    query: {},
    headers: {},
    body: undefined,
    rawQuery: [...query.entries()].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  }
  const sources = { path: pathParams, query, headers: request.headers, cookies: readCookies(request.headers.cookie) }
  for (const parameter of operation.parameters) {
    const value = readParameter(parameter, sources)
    if (value === undefined) {
      if (parameter.required) faults.push({ in: parameter.in, name: parameter.name, detail: 'is required' })
      continue
    }
    if (!parameter.validate(value)) {
      for (const fault of bounded(parameter.validate.errors)) {
        faults.push({ in: parameter.in, name: parameter.name, detail: fault.message ?? fault.keyword })
      }
    } else if (parameter.in === 'path') parsed.params[parameter.name] = value
    else if (parameter.in === 'query') parsed.query[parameter.name] = value
    else if (parameter.in === 'header') parsed.headers[parameter.name.toLowerCase()] = value
  }
  if (operation.body !== undefined) {
    const body = await parseBody(request, operation.body, limits.maxBodyBytes)
    if (body.present && !operation.body.validate(body.value)) {
      for (const fault of bounded(operation.body.validate.errors)) {
        faults.push({ in: 'body', pointer: fault.instancePath, detail: fault.message ?? fault.keyword })
      }
    }
    parsed.body = body.value
  }
  return { parsed, faults }
}

/** Throws one problem that lists all faults. */
export function refuseFaults(faults: readonly RequestFault[]): void {
  const first = faults[0]
  if (first === undefined) return
  const where = first.in === 'body' ? `body ${first.pointer || '/'}` : `${first.in} ${first.name}`
  throw new Refused('request-invalid', `${where}: ${first.detail}`, { members: { errors: faults } })
}

function bounded(errors: readonly ValidationFault[] | null | undefined): readonly ValidationFault[] {
  return errors?.length
    ? errors.slice(0, 20)
    : [{ instancePath: '', keyword: 'schema', message: 'does not fit its schema' }]
}

async function parseBody(
  request: IncomingMessage,
  contract: BodyContract,
  maxBytes: number,
): Promise<{ present: boolean; value: unknown }> {
  const read = alreadyRead(request) ?? (await readBody(request, maxBytes))
  if (Buffer.isBuffer(read) && read.length === 0) {
    if (contract.required) refuseFaults([{ in: 'body', pointer: '', detail: 'is required' }])
    return { present: false, value: undefined }
  }
  const type = request.headers['content-type']
  if (type === undefined || !isAccepted(type, contract.contentTypes)) {
    const accepted = contract.contentTypes.join(', ')
    throw new Refused('content-type', `${type ?? 'no content type'} was sent; accepted: ${accepted}`, {
      headers: { accept: accepted },
    })
  }
  if (!Buffer.isBuffer(read)) return { present: true, value: read }
  if (!isJson(type)) return { present: true, value: /^text\/|urlencoded/i.test(type) ? read.toString('utf8') : read }
  try {
    return { present: true, value: JSON.parse(read.toString('utf8')) }
  } catch {
    refuseFaults([{ in: 'body', pointer: '', detail: 'is not JSON' }])
    return { present: false, value: undefined }
  }
}

/** What a parser of the server that we are mounted in has made of the body: a value, or its bytes. */
function alreadyRead(request: IncomingMessage): unknown {
  if (!request.readableEnded) return undefined
  const { body } = request as { body?: unknown }
  if (typeof body === 'string') return Buffer.from(body)
  if (body !== undefined) return body
  if (request.headers['transfer-encoding'] === undefined && Number(request.headers['content-length'] ?? 0) === 0)
    return Buffer.alloc(0)
  throw new SpandrelError('wrong-configuration', 'the body was read before the request came here, and nobody kept it', {
    hint: 'mount the service before whatever reads bodies, or let that leave the body in `request.body`',
  })
}

function isAccepted(type: string, contentTypes: readonly string[]): boolean {
  const bare = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return contentTypes.some((each) => {
    const want = each.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    return want === bare || want === '*/*' || (want.endsWith('/*') && bare.startsWith(want.slice(0, -1)))
  })
}

/** The whole body, at most `maxBytes`. What is too large is not read to its end: the connection closes after the answer. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): Refused =>
    new Refused('body-too-large', `at most ${maxBytes} bytes are accepted`, {
      headers: { connection: 'close' },
    })
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge())
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) {
        request.removeAllListeners('data').pause()
        reject(tooLarge())
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => {
      if (!request.complete) reject(new Error('the client went away before its request was complete'))
    })
  })
}
