/** Builds the request of an operation from its `x-probe.example`, with a marker and a key of this run. */
import type { AskFacts, OperationFacts } from '../plan/operation-facts.ts'
import type { HeaderList, Outgoing } from '../wire/outgoing.ts'
import { at, placeOf, put, type RequestParts, samePlace } from './place.ts'

export interface Wanted {
  readonly marker: string
  /** absent: no key is sent */
  readonly key?: string
  /** in place of `x-probe.example` */
  readonly input?: unknown
  /** the value that `scope.by` names is another one than otherwise */
  readonly scope?: true
  /** where the outcome is to be called back, for operations that do */
  readonly callback?: string
  /** of the caller, and of the trial */
  readonly headers?: HeaderList
  /** the text of the body, made from its value; default `JSON.stringify` */
  readonly render?: (body: unknown) => string
}

export function buildRequest(operation: OperationFacts, base: string, wanted: Wanted): Outgoing {
  let parts = exampleParts(operation, wanted.input ?? operation.probe.example)
  const calledBack = operation.callback === undefined ? undefined : placeOf(operation.callback)
  if (calledBack !== undefined && wanted.callback !== undefined) parts = put(parts, calledBack, wanted.callback)
  const markerPlace = operation.probe.marker === undefined ? undefined : placeOf(operation.probe.marker)
  if (markerPlace !== undefined) parts = put(parts, markerPlace, wanted.marker)
  const keyPlace = typeof operation.idempotency === 'string' ? undefined : placeOf(operation.idempotency.key)
  if (keyPlace !== undefined && wanted.key !== undefined) parts = put(parts, keyPlace, wanted.key)
  if (wanted.scope === true) parts = elsewhere(operation, parts)
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) =>
    encodeURIComponent(parts.path[name] ?? 'x'),
  )
  const query = new URLSearchParams(parts.query).toString()
  const headers: (readonly [string, string])[] = Object.entries(parts.headers)
  const body = parts.body === undefined ? undefined : (wanted.render ?? JSON.stringify)(parts.body)
  if (body !== undefined) headers.push(['Content-Type', operation.contentType])
  headers.push(['Accept', 'application/json, application/problem+json, */*'], ...(wanted.headers ?? []))
  return {
    method: operation.method,
    url: `${base.replace(/\/$/, '')}${path}${query === '' ? '' : `?${query}`}`,
    headers,
    ...(body !== undefined && { body }),
  }
}

/** An example is the body; where it is `{ body, parameters }`, or the operation takes no body, also the parameters. */
function exampleParts(operation: OperationFacts, example: unknown): RequestParts {
  const object = (example !== null && typeof example === 'object' ? example : {}) as Record<string, unknown>
  const whole =
    Object.keys(object).length > 0 && Object.keys(object).every((key) => key === 'body' || key === 'parameters')
  const bodiless = operation.bodySchema === undefined && ['GET', 'HEAD', 'DELETE'].includes(operation.method)
  const given = (whole ? (object['parameters'] ?? {}) : bodiless ? object : {}) as Record<string, unknown>
  const body = whole ? object['body'] : bodiless ? undefined : example
  let parts: RequestParts = { path: {}, query: {}, headers: {}, ...(body !== undefined && { body }) }
  const key = typeof operation.idempotency === 'string' ? undefined : placeOf(operation.idempotency.key)
  for (const { name, in: where, required, value } of operation.parameters) {
    if (where !== 'path' && where !== 'query' && where !== 'header') continue
    // The key is put by the trial, or left out by it.
    if (samePlace(key, { in: where, name })) continue
    if (given[name] !== undefined || required) parts = put(parts, { in: where, name }, given[name] ?? value)
  }
  return parts
}

/** With another value where `scope.by` looks. */
function elsewhere({ idempotency }: OperationFacts, parts: RequestParts): RequestParts {
  if (typeof idempotency === 'string' || typeof idempotency.scope !== 'object') return parts
  const place = placeOf(idempotency.scope.by)
  if (place === undefined) return parts
  const { path, query, headers } = parts
  const value =
    place.in === 'body' ? at(parts.body, place.pointer) : { path, query, header: headers }[place.in][place.name]
  return put(parts, place, typeof value === 'number' ? value + 1 : `${typeof value === 'string' ? value : 'x'}2`)
}

/** May key and marker be chosen apart? Not where the contract's key is the marker's own place. */
export function keyIsMarker(operation: OperationFacts): boolean {
  if (typeof operation.idempotency === 'string' || operation.probe.marker === undefined) return false
  return samePlace(placeOf(operation.idempotency.key), placeOf(operation.probe.marker))
}

/** What the probe asks to count the effects of a marker. */
export function probeRequest(
  operation: Pick<OperationFacts, 'probe'>,
  base: string,
  marker: string,
  headers: HeaderList,
): Outgoing | undefined {
  const { read } = operation.probe
  if (read === undefined || operation.probe.oracle !== 'strong') return undefined
  return askRequest(read, base, marker, headers)
}

/** A call of an operation with the marker in its path and query. */
export function askRequest(read: AskFacts, base: string, marker: string, headers: HeaderList): Outgoing {
  const values = Object.fromEntries(
    Object.entries(read.parameters).map(([name, value]) => [name, String(value).replaceAll('$marker', marker)]),
  )
  const used = new Set<string>()
  const path = read.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    used.add(name)
    return encodeURIComponent(values[name] ?? '')
  })
  const query = new URLSearchParams(Object.entries(values).filter(([name]) => !used.has(name))).toString()
  return {
    method: read.method,
    url: `${base.replace(/\/$/, '')}${path}${query === '' ? '' : `?${query}`}`,
    headers: [['Accept', 'application/json'], ...headers],
  }
}

/** The count an answer of the probe shows; a text says why it shows none. */
export function countOf(operation: Pick<OperationFacts, 'probe'>, status: number, body: string): number | string {
  const expression = operation.probe.count
  if (status === 404) return 0
  if (status < 200 || status >= 300) return `the probe was answered ${status}`
  let value: unknown
  try {
    value = body === '' ? undefined : JSON.parse(body)
  } catch {
    return 'the probe was not answered with JSON'
  }
  if (expression === undefined)
    return Array.isArray(value) ? value.length : 'its answer is no list, and `count` does not say where the number is'
  const pointer = /^\$response\.body(?:#(.*))?$/.exec(expression)
  if (pointer === null) return `\`count: ${expression}\` does not name a place of $response.body`
  const found = at(value, (pointer[1] ?? '').split('/').slice(1))
  if (typeof found === 'number') return found
  if (Array.isArray(found)) return found.length
  if (typeof found === 'string' && /^\d+$/.test(found)) return Number(found)
  return `there is no number at ${expression} of the probe's answer`
}
