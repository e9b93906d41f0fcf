/** From what a handler returned to what goes on the wire and into a key record: the same bytes, first time and replayed. */
import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import type { OperationContract, ValidationFault } from '../contract/service-contract.ts'

/** An answer as bytes: what is sent, remembered and replayed. Header names are lower case. */
export interface Rendered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

/** What a handler returns. */
export interface HandlerAnswer {
  status: number
  body?: unknown
  headers?: Readonly<Record<string, string | number>>
}

const withoutBody = new Set([204, 205, 304])

/** Renders a handler's answer. Throws a `TypeError` that says what is wrong with one that is none. */
export function render(operation: OperationContract, answer: unknown): Rendered {
  if (typeof answer !== 'object' || answer === null || !('status' in answer)) {
    throw new TypeError(
      `the handler of ${operation.operation} returned no answer: expected { status, body?, headers? }`,
    )
  }
  const { status, body, headers } = answer as HandlerAnswer
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`the handler of ${operation.operation} returned status ${String(status)}: expected 200 to 599`)
  }
  const rendered: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    // Here and not when it is written: by then the transaction is committed.
    validateHeaderName(name)
    validateHeaderValue(name, String(value))
    rendered[name.toLowerCase()] = String(value)
  }
  if (body === undefined || withoutBody.has(status)) return { status, headers: rendered, body: undefined }
  const type = rendered['content-type'] ?? declared(operation, status)?.contentType
  if (body instanceof Uint8Array) {
    rendered['content-type'] = type ?? 'application/octet-stream'
    return { status, headers: rendered, body }
  }
  rendered['content-type'] = type ?? 'application/json'
  if (typeof body === 'string' && !isJson(rendered['content-type'])) return { status, headers: rendered, body }
  return { status, headers: rendered, body: JSON.stringify(body) }
}

export function isJson(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return type === 'application/json' || type.endsWith('+json')
}

/** The part of the contract that declares this status. */
function declared(operation: OperationContract, status: number): OperationContract['answers'][string] | undefined {
  const { answers } = operation
  return answers[String(status)] ?? answers[`${Math.floor(status / 100)}XX`] ?? answers['default']
}

/** Why an answer does not fit its contract, or undefined. Sees the handler's own value, before it became text. */
export function answerFault(operation: OperationContract, answer: HandlerAnswer): string | undefined {
  const contract = declared(operation, answer.status)
  if (contract === undefined) {
    const known = Object.keys(operation.answers).join(', ')
    return `status ${answer.status} is not declared (declared: ${known || 'none'})`
  }
  if (contract.validate !== undefined && !contract.validate(answer.body)) {
    return `the body of status ${answer.status}: ${describeFaults(contract.validate.errors)}`
  }
  return undefined
}

/** The first few faults in one line; values are left out, they may be secret. */
function describeFaults(faults: readonly ValidationFault[] | null | undefined): string {
  const first = (faults ?? [])
    .slice(0, 3)
    .map((fault) => `${fault.instancePath || '/'} ${fault.message ?? fault.keyword}`)
  return first.join('; ') || 'does not fit its schema'
}

/** The size that counts against the limit of remembered answers. */
export function bodySize(rendered: Rendered): number {
  if (rendered.body === undefined) return 0
  return typeof rendered.body === 'string' ? Buffer.byteLength(rendered.body) : rendered.body.byteLength
}

/** What a key record keeps of the headers: the declared ones, and the content type. */
export function keptHeaders(operation: OperationContract, rendered: Rendered): Record<string, string> {
  const names = new Set(declared(operation, rendered.status)?.headers.map((name) => name.toLowerCase()))
  names.add('content-type')
  return Object.fromEntries(Object.entries(rendered.headers).filter(([name]) => names.has(name)))
}

/** Writes an answer. Resolves when it is handed over to the system, or when the client is gone: nobody waits for a lost client. */
export async function write(
  response: ServerResponse,
  rendered: Rendered,
  more: Readonly<Record<string, string>>,
  options: { head: boolean },
): Promise<void> {
  if (response.destroyed || response.headersSent) return
  const body = rendered.body
  const length = body === undefined ? undefined : bodySize(rendered)
  response.writeHead(rendered.status, {
    ...rendered.headers,
    ...more,
    ...(length !== undefined && { 'content-length': String(length) }),
    ...(length === undefined && !withoutBody.has(rendered.status) && { 'content-length': '0' }),
  })
  await new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.end(options.head ? undefined : body, resolve)
  })
}
