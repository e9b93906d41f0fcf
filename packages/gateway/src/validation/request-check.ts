import type { SchemaCheck } from '@spandrel/contract'
import type { Identity } from '../identity/access.ts'
import { Problem, type RequestFault } from '../problem.ts'
import type { RequestHead } from '../proxy/request-head.ts'
import type { RequestTarget } from '../routes/request-target.ts'
import type { Match } from '../routes/route-table.ts'
import type { Route } from '../routes/route.ts'
import { type BodyType, checkJson } from './body.ts'
import type { KeySource } from './idempotency-key.ts'
import type { ParameterSource } from './parameters.ts'
import { parseCookies, parseQuery, type RawPairs } from './query.ts'

/** A request whose head fits its contract, and what is to be done with its body. */
export interface CheckedHead {
  readonly route: Route
  readonly source: ParameterSource & Pick<KeySource, 'claims'>
  /** its idempotency key, where it carries one. A key in the body is not known yet */
  readonly key: string | undefined
  /**
   * `none`: there is none · `stream`: passed on as it comes · `collect`: collected and given to `checkBody` before
   * anything is sent
   */
  readonly body: 'none' | 'stream' | 'collect'
  readonly check: SchemaCheck | undefined
}

/** A request that fits its contract as a whole. */
export interface CheckedBody {
  readonly key: string | undefined
  /** parsed, where it was looked into */
  readonly value: unknown
}

const noPairs: RawPairs = []
const noPath: Readonly<Record<string, string>> = {}

/** Everything that can be said about a request before its body is there. */
export function checkHead(
  match: Match,
  head: RequestHead,
  target: RequestTarget,
  identity: Identity | undefined,
): CheckedHead | Problem {
  const { route } = match
  const source = {
    path: pathOf(match),
    queryText: target.query,
    query: route.needsQuery ? parseQuery(target.query) : noPairs,
    headers: head.wanted,
    cookies: route.needsCookies && head.cookie !== undefined ? parseCookies(head.cookie) : noPairs,
    claims: identity?.claims,
  }
  const hasBody = head.chunked || (head.contentLength ?? 0) > 0

  // The key first: its absence has a problem of its own, though its header may be a declared parameter too.
  const key = route.key?.needsBody === true && hasBody ? undefined : keyOf(route, source, undefined)
  if (key instanceof Problem) return key

  let faults: RequestFault[] | undefined
  for (const check of route.parameters) {
    const found = check(source)
    if (found !== undefined) (faults ??= []).push(...found)
  }
  if (faults !== undefined) {
    return new Problem('request-invalid', { detail: 'Parameters do not fit the contract.', errors: faults })
  }

  if (!hasBody) {
    if (route.body?.required !== true) return { route, source, key, body: 'none', check: undefined }
    const errors = [{ in: 'body' as const, pointer: '', detail: 'is required' }]
    return new Problem('request-invalid', { detail: 'The body is missing.', errors })
  }
  const type = bodyTypeOf(route, head)
  if (type instanceof Problem) return type
  const { check } = type
  if (check !== undefined) return { route, source, key, body: 'collect', check }
  // A key that could only be in a body that is not looked into is not there.
  const late = route.key?.needsBody === true ? keyOf(route, source, undefined) : key
  if (late instanceof Problem) return late
  // What is to be remembered must be told from other requests: by all of it.
  const body = route.keptKey !== undefined && late !== undefined ? 'collect' : 'stream'
  return { route, source, key: late, body, check: undefined }
}

/** Checks a collected body. Gives its value and the request's key, or why it is refused. */
export function checkBody({ route, source, key, check }: CheckedHead, bytes: Buffer): CheckedBody | Problem {
  const checked = check === undefined ? { value: undefined } : checkJson(bytes, check)
  if (checked instanceof Problem) return checked
  const late = route.key?.needsBody === true && check !== undefined ? keyOf(route, source, checked.value) : key
  return late instanceof Problem ? late : { key: late, value: checked.value }
}

export function tooLarge(limit: number): Problem {
  return new Problem('body-too-large', { detail: `At most ${limit} bytes are taken.` })
}

function keyOf({ key }: Route, source: CheckedHead['source'], body: unknown): string | undefined | Problem {
  return key?.read(source, body)
}

function pathOf({ route: { pathNames }, values }: Match): Readonly<Record<string, string>> {
  if (pathNames.length === 0) return noPath
  const path: Record<string, string> = {}
  for (let index = 0; index < values.length; index++) path[pathNames[index] as string] = values[index] as string
  return path
}

/** The declared type of the body that is coming, or why it is not taken. */
function bodyTypeOf({ body: rule }: Route, head: RequestHead): BodyType | Problem {
  const { contentType, contentLength, contentEncoding } = head
  if (rule === undefined) return new Problem('content-type', { detail: 'This operation takes no body.' })
  const accept = ['accept', rule.accept]
  if (contentType === undefined) {
    return new Problem('content-type', {
      detail: `The body has no content type; taken: ${rule.accept}.`,
      headers: accept,
    })
  }
  const type = rule.typeOf(contentType)
  if (type === undefined) return new Problem('content-type', { detail: `Taken: ${rule.accept}.`, headers: accept })
  if (type.check !== undefined && contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    // It would have to be inflated to be checked, and small bodies inflate to large ones.
    return new Problem('content-type', {
      detail: 'A body that is checked must not be compressed.',
      headers: ['accept-encoding', 'identity'],
    })
  }
  return (contentLength ?? 0) > rule.limit ? tooLarge(rule.limit) : type
}
