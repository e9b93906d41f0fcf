/** What makes two requests one: key, scope and fingerprint, as the contract's expressions say. */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { evaluate, type ExpressionInput } from '../contract/expression.ts'
import type { KeyGuarantee, OperationContract } from '../contract/service-contract.ts'
import { fingerprint } from '../message/canonical.ts'
import { Refused } from './problem.ts'
import type { ParsedRequest } from './request.ts'

export interface Identity {
  /** verified caller; see guarantees.md on `scope: caller` */
  caller?: string | undefined
  tenant?: string | undefined
  /** claims of a verified token, for `$request.jwt` expressions */
  jwt?: unknown
}

/** One request's claim on a key. */
export interface Claim {
  readonly operation: OperationContract
  readonly guarantee: KeyGuarantee
  readonly scope: string
  readonly key: string
  readonly fingerprint: string
  /** names the key inside this process */
  readonly id: string
  /** the advisory lock: a signed 64-bit number as text */
  readonly lock: string
}

/** Longer keys are refused: they would be stored for as long as the contract promises. */
const MAX_KEY_LENGTH = 255

/** The claim of a request, or undefined where its operation has no key or the key is optional and absent. */
export function claimOf(
  service: string,
  operation: OperationContract,
  request: ParsedRequest & { method: string; path: string; rawHeaders: IncomingHttpHeaders },
  identity: Identity,
): Claim | undefined {
  const guarantee = operation.guarantees.idempotency
  if (typeof guarantee === 'string') return undefined
  const input: ExpressionInput = {
    headers: request.rawHeaders,
    query: request.query,
    path: request.params,
    body: request.body,
    jwt: identity.jwt,
  }
  const key = keyOf(guarantee, input)
  if (key === undefined) return undefined
  const scope = scopeOf(guarantee, input, identity)
  const payload =
    guarantee.fingerprint === undefined ? wholePayload(request.body) : (evaluate(guarantee.fingerprint, input) ?? null)
  const id = JSON.stringify([operation.operation, scope, key])
  return {
    operation,
    guarantee,
    scope,
    key,
    fingerprint: fingerprint(request.method, request.path, request.rawQuery, payload),
    id,
    lock: lockOf(service, id),
  }
}

function wholePayload(body: unknown): unknown {
  return body instanceof Uint8Array ? Buffer.from(body).toString('base64') : (body ?? null)
}

/** 64 bits of a hash. Two keys with one hash overlap for a moment and nothing worse: the record is found by the key. */
function lockOf(service: string, id: string): string {
  return createHash('sha256').update(service).update('\0').update(id).digest().readBigInt64BE().toString()
}

function keyOf(guarantee: KeyGuarantee, input: ExpressionInput): string | undefined {
  const raw = evaluate(guarantee.key, input)
  const where = describe(guarantee.key)
  if (raw === undefined || raw === '') {
    if (!guarantee.required) return undefined
    throw new Refused('key-missing', `this operation needs an idempotency key in ${where}`)
  }
  const key = guarantee.key.source === 'request.header' ? headerKey(raw) : raw
  if (key === undefined) {
    throw new Refused('key-invalid', `the idempotency key in ${where} is neither a bare text nor a quoted string`)
  }
  if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
    throw new Refused(
      'key-invalid',
      `the idempotency key in ${where} has ${key.length} characters; 1 to ${MAX_KEY_LENGTH} are accepted`,
    )
  }
  return key
}

/**
 * A header's key: a structured-field string (RFC 9651, 3.3.3: printable ASCII in double quotes, `\"` and `\\` escaped;
 * parameters behind it are ignored) or bare text. Both spell the same key. Undefined: neither.
 */
export function headerKey(value: string): string | undefined {
  const text = value.trim()
  if (!text.startsWith('"'))
    return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.includes('"') ? text : undefined
  const match = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?:\s*;.*)?$/.exec(text)
  return match?.[1]?.replaceAll(/\\(["\\])/g, '$1')
}

function scopeOf(guarantee: KeyGuarantee, input: ExpressionInput, identity: Identity): string {
  const { scope } = guarantee
  if (scope === 'global') return ''
  if (scope === 'caller') {
    if (identity.caller !== undefined) return `caller:${identity.caller}`
    throw new Refused('caller-unknown', 'keys of this operation belong to their caller, and this request has none')
  }
  if (scope === 'tenant') {
    if (identity.tenant !== undefined) return `tenant:${identity.tenant}`
    throw new Refused('caller-unknown', 'keys of this operation belong to their tenant, and this request has none')
  }
  const value = evaluate(scope.by, input)
  if (value === undefined)
    throw new Refused('key-invalid', `keys of this operation belong to ${describe(scope.by)}, which is missing`)
  if (value.length > MAX_KEY_LENGTH)
    throw new Refused('key-invalid', `${describe(scope.by)} is longer than ${MAX_KEY_LENGTH} characters`)
  return `by:${value}`
}

function describe(expression: KeyGuarantee['key']): string {
  switch (expression.source) {
    case 'request.header':
      return `the header ${expression.name}`
    case 'request.query':
      return `the query parameter ${expression.name}`
    case 'request.path':
      return `the path parameter ${expression.name}`
    case 'request.body':
      return `the body at /${expression.pointer.join('/')}`
    default:
      return expression.source
  }
}
