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
  /** it carries an idempotency key: a copy of it is safe. A key in the body is not known yet */
  readonly keyed: boolean
  /**
   * `none`: there is none · `stream`: passed on as it comes · `collect`: collected and given to `checkBody` before
   * anything is sent
   */
  readonly body: 'none' | 'stream' | 'collect'
  readonly check: SchemaCheck | undefined
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
  const keyed = route.key?.needsBody === true && hasBody ? false : isKeyed(route, source, undefined)
  if (keyed instanceof Problem) return keyed

  let faults: RequestFault[] | undefined
  for (const check of route.parameters) {
    const found = check(source)
    if (found !== undefined) (faults ??= []).push(...found)
  }
  if (faults !== undefined) {
    return new Problem('request-invalid', { detail: 'Parameters do not fit the contract.', errors: faults })
  }

  if (!hasBody) {
    if (route.body?.required !== true) return { route, source, keyed, body: 'none', check: undefined }
    const errors = [{ in: 'body' as const, pointer: '', detail: 'is required' }]
    return new Problem('request-invalid', { detail: 'The body is missing.', errors })
  }
  const type = bodyTypeOf(route, head)
  if (type instanceof Problem) return type
  const { check } = type
  if (check !== undefined) return { route, source, keyed, body: 'collect', check }
  // A key that could only be in a body that is not looked into is not there.
  const late = route.key?.needsBody === true ? isKeyed(route, source, undefined) : keyed
  return late instanceof Problem ? late : { route, source, keyed: late, body: 'stream', check: undefined }
}

/** Checks a collected body. Gives whether the request carries a key, or why it is refused. */
export function checkBody({ route, source, keyed, check }: CheckedHead, bytes: Buffer): boolean | Problem {
  const checked = check === undefined ? { value: undefined } : checkJson(bytes, check)
  if (checked instanceof Problem) return checked
  return route.key?.needsBody === true ? isKeyed(route, source, checked.value) : keyed
}

export function tooLarge(limit: number): Problem {
  return new Problem('body-too-large', { detail: `At most ${limit} bytes are taken.` })
}

function isKeyed({ key }: Route, source: CheckedHead['source'], body: unknown): boolean | Problem {
  const found = key?.read(source, body)
  return found instanceof Problem ? found : found !== undefined
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
