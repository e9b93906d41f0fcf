/**
 * Every refusal of the gateway, as RFC 9457 problems. `type` is stable: a client may switch on it.
 * The base is the runtime's, so that a client cannot tell (and need not care) which of the two refused.
 */
const base = 'https://spandrel.dev/problems/'

/** One fault of a request, as the runtime says it: `name` of a parameter, `pointer` into the JSON. */
export interface RequestFault {
  readonly in: 'path' | 'query' | 'header' | 'cookie' | 'querystring' | 'body'
  readonly name?: string
  readonly pointer?: string
  readonly detail: string
}

/** slug → status and title; the slugs that the runtime has too mean the same here */
const kinds = {
  'request-malformed': [400, 'The request is malformed'],
  'request-invalid': [400, 'The request does not fit the contract'],
  'key-missing': [400, 'The idempotency key is missing'],
  'key-invalid': [400, 'The idempotency key cannot be used'],
  'caller-unknown': [401, 'The caller is not known'],
  forbidden: [403, 'The caller may not do this'],
  'version-unknown': [400, 'No such version here'],
  'not-found': [404, 'No such path'],
  'method-not-allowed': [405, 'No such method here'],
  'request-timeout': [408, 'The request did not arrive in time'],
  overlap: [409, 'The first request with this key is still being handled'],
  'answer-not-kept': [409, 'The request was carried out, and its answer was too large to be kept'],
  'body-too-large': [413, 'The body is too large'],
  'content-type': [415, 'The body has an unknown content type'],
  'expectation-failed': [417, 'The expectation is not known'],
  'contracts-refused': [422, 'The new contracts were refused; the old ones go on'],
  'key-reuse': [422, 'This key was used with another request'],
  'headers-too-large': [431, 'The request headers are too large'],
  'internal-error': [500, 'The gateway failed'],
  'answer-invalid': [502, 'The answer of the service does not fit its contract'],
  'service-failed': [502, 'The service broke the exchange'],
  'service-unreachable': [503, 'The service cannot be reached'],
  'identity-unavailable': [503, 'Credentials cannot be checked right now'],
  'keys-unavailable': [503, 'Idempotency keys cannot be recorded right now'],
  'outcome-unknown': [503, 'It is not known whether the request was carried out'],
  overloaded: [503, 'Too many requests are in flight'],
  timeout: [504, 'The operation took too long'],
  'loop-detected': [508, 'The request came back to this gateway'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemKind = keyof typeof kinds

export interface ProblemDetails {
  /** what happened, in this case; never a secret, never a stack */
  readonly detail?: string
  readonly errors?: readonly RequestFault[]
  /** further headers as name, value, name, value … */
  readonly headers?: readonly string[]
  /** the connection ends after this answer */
  readonly close?: boolean
}

/** A refusal, ready to be written. */
export class Problem {
  readonly kind: ProblemKind
  readonly status: number
  readonly details: ProblemDetails

  constructor(kind: ProblemKind, details: ProblemDetails = {}) {
    this.kind = kind
    this.status = kinds[kind][0]
    this.details = details
  }

  /** The `application/problem+json` text. */
  body(correlationId: string | undefined): string {
    const { detail, errors } = this.details
    return JSON.stringify({
      type: base + this.kind,
      title: kinds[this.kind][1],
      status: this.status,
      ...(detail !== undefined && { detail }),
      ...(errors !== undefined && { errors }),
      ...(correlationId !== undefined && { correlationId }),
    })
  }
}
