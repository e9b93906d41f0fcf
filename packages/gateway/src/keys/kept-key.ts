/** What makes two requests one where the gateway keeps the keys: scope, key and fingerprint, as on the runtime. */
import type { Expression, HttpOperation, KeyGuarantee } from '@spandrel/contract'
import { fingerprint } from '@spandrel/runtime/operate'
import type { Identity } from '../identity/access.ts'
import { Problem } from '../problem.ts'
import type { RequestTarget } from '../routes/request-target.ts'
import { describe, isStorable, type KeySource, valueAt } from '../validation/idempotency-key.ts'
import type { KeyOutcome, WantedKey } from './key-records.ts'

/** A keyed request, as far as its key is concerned. */
export interface KeyedRequest {
  readonly key: string
  readonly source: KeySource
  readonly identity: Identity | undefined
  readonly method: string
  readonly target: RequestTarget
  /** parsed where it is JSON that was checked */
  readonly value: unknown
  readonly bytes: Buffer | null
  readonly contentType: string | undefined
  readonly correlationId: string
}

/** Answers that say "not now" rather than "no": a copy deserves another try. The runtime's list. */
const passing = new Set([401, 403, 408, 409, 425, 429])
const longestScope = 255
const shortestLeaseMs = 1000

export class KeptKey {
  readonly #operation: string
  readonly guarantee: KeyGuarantee
  readonly #leaseMs: number
  readonly #tenant: Expression | undefined
  readonly #responses: HttpOperation['responses']

  /** `tenant`: where a token names the tenant */
  constructor(
    operation: HttpOperation,
    guarantee: KeyGuarantee,
    { timeoutMs, tenant }: { timeoutMs: number; tenant: Expression | undefined },
  ) {
    this.#tenant = tenant
    this.#operation = `${operation.service}.${operation.operation}`
    this.guarantee = guarantee
    // A service that was too slow may still be at it: it gets as long again.
    this.#leaseMs = Math.max(shortestLeaseMs, 2 * timeoutMs)
    this.#responses = operation.responses
  }

  /** Header names, lower case, and whether it needs the query: what must be looked at besides the key. */
  get needs(): { headers: readonly string[]; query: boolean } {
    const { scope, fingerprint: of } = this.guarantee
    const expressions = [typeof scope === 'object' ? scope.by : undefined, of].filter((one) => one !== undefined)
    return {
      headers: expressions.flatMap((one) => (one.source === 'request.header' ? [one.name.toLowerCase()] : [])),
      query: expressions.some(({ source }) => source === 'request.query'),
    }
  }

  wanted(request: KeyedRequest): WantedKey | Problem {
    const scope = this.#scope(request)
    if (scope instanceof Problem) return scope
    const { key, source, value, target } = request
    const query = [...new URLSearchParams(target.query)].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    const of = this.guarantee.fingerprint
    const payload = of === undefined ? payloadOf(request) : (valueAt(of, source, value) ?? null)
    let print: string
    try {
      print = fingerprint(request.method, target.path, query, payload)
    } catch {
      // Half a surrogate pair, or a depth that no JSON needs.
      const errors = [{ in: 'body' as const, pointer: '', detail: 'has no canonical JSON form (RFC 8785)' }]
      return new Problem('request-invalid', { detail: 'The body cannot be told from others.', errors })
    }
    return {
      operation: this.#operation,
      scope,
      key,
      fingerprint: print,
      leaseMs: this.#leaseMs,
      retentionMs: this.guarantee.retentionMs,
      correlationId: request.correlationId,
      id: JSON.stringify([this.#operation, scope, key]),
    }
  }

  /** Whether this answer is what copies will get. */
  remembers(status: number): boolean {
    if (status < 400) return true
    if (this.guarantee.remembers === 'final') return status < 500 && !passing.has(status)
    return this.guarantee.remembers === 'all'
  }

  /** What is kept of an answer: the declared headers, and what the body cannot be read without. */
  keptHeaders(status: number, headers: NodeJS.Dict<string | string[]>): KeyOutcome['headers'] {
    const declared =
      this.#responses[String(status)] ?? this.#responses[`${Math.floor(status / 100)}XX`] ?? this.#responses['default']
    const names = [
      'content-type',
      'content-encoding',
      ...(declared?.headers ?? []).map(({ name }) => name.toLowerCase()),
    ]
    const kept: Record<string, string | string[]> = {}
    for (const name of names) {
      const value = headers[name]
      if (value !== undefined) kept[name] = value
    }
    return kept
  }

  #scope({ source, identity, value }: KeyedRequest): string | Problem {
    const { scope } = this.guarantee
    if (scope === 'global') return ''
    if (scope === 'caller' || scope === 'tenant') {
      const tenant = this.#tenant === undefined ? undefined : valueAt(this.#tenant, source, value)
      const whose = scope === 'caller' ? identity?.caller : tenant
      if (whose !== undefined && isStorable(whose)) return `${scope}:${whose}`
      return new Problem('caller-unknown', {
        detail: `Keys of this operation belong to their ${scope}, and this request has none.`,
      })
    }
    const by = valueAt(scope.by, source, value)
    if (by === undefined || by.length > longestScope || !isStorable(by)) {
      const what =
        by === undefined
          ? 'is missing'
          : isStorable(by)
            ? `is longer than ${longestScope} characters`
            : 'has a character that no text can keep'
      return new Problem('key-invalid', {
        detail: `Keys of this operation belong to ${describe(scope.by)}, which ${what}.`,
      })
    }
    return `by:${by}`
  }
}

/** As the runtime reads a body: JSON parsed, text as text, everything else as its bytes. */
function payloadOf({ value, bytes, contentType = '' }: KeyedRequest): unknown {
  if (bytes === null || bytes.length === 0) return null
  if (value !== undefined) return value
  return /^text\/|urlencoded/i.test(contentType) ? bytes.toString('utf8') : bytes.toString('base64')
}
