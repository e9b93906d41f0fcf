import type { Identity } from '../identity/access.ts'
import { Problem, type RequestFault } from '../problem.ts'
import type { RequestHead } from '../proxy/request-head.ts'
import type { RequestTarget } from '../routes/request-target.ts'
import type { Match } from '../routes/route-table.ts'
import { type BodyRule, type BodyType, checkJson } from './body.ts'
import type { KeySource } from './idempotency-key.ts'
import { parseCookies, parseQuery, type RawPairs } from './query.ts'
import type { Check } from './schema-compiler.ts'

/** A request whose head fits its contract, and what is to be done with its body. */
export interface CheckedHead {
  /** it carries an idempotency key: a copy of it is safe */
  readonly keyed: boolean
  readonly body:
    | { readonly how: 'none' }
    /** passed on as it comes, at most `limit` bytes */
    | { readonly how: 'stream'; readonly limit: number }
    /** collected, at most `limit` bytes, and checked before anything is sent */
    | {
        readonly how: 'collect'
        readonly limit: number
        readonly check: (bytes: Buffer) => { keyed: boolean } | Problem
      }
}

const noPairs: RawPairs = []

/** Everything that can be said about a request before its body is there. */
export function checkHead(
  { route, values }: Match,
  head: RequestHead,
  target: RequestTarget,
  identity: Identity | undefined,
): CheckedHead | Problem {
  const path: Record<string, string> = {}
  for (let index = 0; index < values.length; index++) path[route.pathNames[index] as string] = values[index] as string
  const source = {
    path,
    queryText: target.query,
    query: route.needsQuery ? parseQuery(target.query) : noPairs,
    headers: head.wanted,
    cookies: route.needsCookies && head.cookie !== undefined ? parseCookies(head.cookie) : noPairs,
  }
  const keyed = (body: unknown): boolean | Problem => {
    const found = route.key?.read({ ...source, claims: identity?.claims, body } satisfies KeySource)
    return found instanceof Problem ? found : found !== undefined
  }

  // The key first: its absence has a problem of its own, though its header may be a declared parameter too.
  const early = route.key !== undefined && !route.key.needsBody ? keyed(undefined) : false
  if (early instanceof Problem) return early

  let faults: RequestFault[] | undefined
  for (const check of route.parameters) {
    const found = check(source)
    if (found !== undefined) (faults ??= []).push(...found)
  }
  if (faults !== undefined) {
    return new Problem('request-invalid', { detail: 'Parameters do not fit the contract.', errors: faults })
  }

  if (!head.chunked && (head.contentLength ?? 0) === 0) {
    if (route.body?.required === true) {
      return new Problem('request-invalid', {
        detail: 'The body is missing.',
        errors: [{ pointer: '', detail: 'is required' }],
      })
    }
    return withKey(route.key?.needsBody === true ? keyed(undefined) : early, { how: 'none' })
  }
  const type = bodyTypeOf(route.body, head)
  if (type instanceof Problem) return type
  const { rule, check } = type
  if (check === undefined) {
    return withKey(route.key?.needsBody === true ? keyed(undefined) : early, { how: 'stream', limit: rule.limit })
  }
  return {
    keyed: early,
    body: {
      how: 'collect',
      limit: rule.limit,
      check: (bytes) => {
        const checked = checkJson(bytes, check)
        if (checked instanceof Problem) return checked
        const late = route.key?.needsBody === true ? keyed(checked.value) : early
        return late instanceof Problem ? late : { keyed: late }
      },
    },
  }
}

export function tooLarge(limit: number): Problem {
  return new Problem('body-too-large', { detail: `At most ${limit} bytes are taken.` })
}

function withKey(keyed: boolean | Problem, body: CheckedHead['body']): CheckedHead | Problem {
  return keyed instanceof Problem ? keyed : { keyed, body }
}

/** The declared type of the body that is coming, or why it is not taken. */
function bodyTypeOf(
  rule: BodyRule | undefined,
  { contentType, contentLength, contentEncoding }: RequestHead,
): { rule: BodyRule; check: Check | undefined } | Problem {
  if (rule === undefined) return new Problem('content-type', { detail: 'This operation takes no body.' })
  const accept = ['accept', rule.accept]
  if (contentType === undefined) {
    return new Problem('content-type', {
      detail: `The body has no content type; taken: ${rule.accept}.`,
      headers: accept,
    })
  }
  const type: BodyType | undefined = rule.typeOf(contentType)
  if (type === undefined) {
    return new Problem('content-type', { detail: `Taken: ${rule.accept}.`, headers: accept })
  }
  if (type.check !== undefined && contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    // It would have to be inflated to be checked, and small bodies inflate to large ones.
    return new Problem('content-type', {
      detail: 'A body that is checked must not be compressed.',
      headers: ['accept-encoding', 'identity'],
    })
  }
  if ((contentLength ?? 0) > rule.limit) return tooLarge(rule.limit)
  return { rule, check: type.check }
}
