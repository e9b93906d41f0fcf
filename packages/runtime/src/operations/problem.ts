/** Refusals on the wire: RFC 9457 problem details with a stable `type`. */
import type { Rendered } from './answer.ts'

/** The `type` of every problem is this and the problem's name. It is an identifier; nothing needs to be served there. */
const PROBLEM_BASE = 'https://spandrel.dev/problems/'

const problems = {
  'request-invalid': { status: 400, title: 'The request does not fit the contract' },
  'key-missing': { status: 400, title: 'The idempotency key is missing' },
  'key-invalid': { status: 400, title: 'The idempotency key cannot be used' },
  'caller-unknown': { status: 401, title: 'The caller is not known' },
  'not-found': { status: 404, title: 'No such path' },
  'method-not-allowed': { status: 405, title: 'No such method here' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  overlap: { status: 409, title: 'The first request with this key is still being handled' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'content-type': { status: 415, title: 'The body has an unknown content type' },
  'key-reuse': { status: 422, title: 'This key was used with another request' },
  'internal-error': { status: 500, title: 'The handler failed' },
  'answer-too-large': { status: 500, title: 'The answer is too large to be remembered' },
  'answer-invalid': { status: 500, title: 'The answer does not fit the contract' },
  'provider-failed': { status: 502, title: 'A service this one relies on failed' },
  unavailable: { status: 503, title: 'Not available right now' },
  stopping: { status: 503, title: 'This service is stopping' },
  'outcome-unknown': { status: 503, title: 'It is not known whether the request was carried out' },
  timeout: { status: 504, title: 'The operation took too long' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemName = keyof typeof problems

export function problemType(name: ProblemName): string {
  return PROBLEM_BASE + name
}

/** A problem as an answer. `more` adds members (`errors`) and headers. */
export function problem(
  name: ProblemName,
  detail: string,
  more: { members?: Readonly<Record<string, unknown>>; headers?: Readonly<Record<string, string>> } = {},
): Rendered {
  const { status, title } = problems[name]
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...more.headers },
    body: JSON.stringify({ type: PROBLEM_BASE + name, title, status, detail, ...more.members }),
  }
}

/** Thrown where a request is refused before its operation begins. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly answer: Rendered
  readonly problem: ProblemName

  constructor(name: ProblemName, detail: string, more: Parameters<typeof problem>[2] = {}) {
    super(detail)
    this.problem = name
    this.answer = problem(name, detail, more)
  }
}

/** Why an operation was cut off where its time was not up yet. */
export class Stopping extends Error {
  override readonly name = 'Stopping'
}

/** The answer of an operation that was cut off by `signal`. */
export function cutOff(name: string, signal: AbortSignal): Rendered {
  const headers = { 'retry-after': '1' }
  if (signal.reason instanceof Stopping) return problem('stopping', `${name} was broken off`, { headers })
  return problem('timeout', `${name} did not end within its time`, { headers })
}
