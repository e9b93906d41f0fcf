import type { Parameter, SchemaCheck } from '@spandrel/contract'
import type { RequestFault } from '../problem.ts'
import { headerKey } from './idempotency-key.ts'
import { decodeForm, decodePercent, type RawPairs } from './query.ts'
import { coerce, type Shape } from './schema-shape.ts'

/** Where parameters are read from. Each part is prepared only for operations that have such parameters. */
export interface ParameterSource {
  /** decoded, by the parameter's name */
  readonly path: Readonly<Record<string, string | undefined>>
  /** without `?` */
  readonly queryText: string
  readonly query: RawPairs
  /** by lower-case name; several header lines are joined by a comma */
  readonly headers: ReadonlyMap<string, string>
  readonly cookies: RawPairs
}

/** Checks one parameter of a request; undefined: nothing is wrong. */
export type ParameterCheck = (source: ParameterSource) => readonly RequestFault[] | undefined

/** Thrown by readers inside this file: the text cannot be read at all. */
class Unreadable extends Error {}

/** undefined: the parameter is absent. */
type Reader = (source: ParameterSource) => unknown

/** How a parameter's text is found, split by its style, turned into a value and checked. Composed once, at start. */
export function parameterCheck(
  parameter: Parameter,
  shape: Shape,
  check: SchemaCheck,
  /** it is the idempotency key: the schema describes the key, not the quotes it may be sent in */
  isKey = false,
): ParameterCheck {
  const { name, required } = parameter
  const plain = readersOf(parameter, shape)
  const [first, ...others] = isKey ? plain.map(unquoted) : plain
  const fault = (detail: string, pointer = ''): RequestFault => ({
    in: parameter.in,
    name,
    ...(pointer !== '' && { pointer }),
    detail,
  })
  const attempt = (read: Reader, source: ParameterSource): readonly RequestFault[] | undefined => {
    let value: unknown
    try {
      value = read(source)
    } catch (error) {
      if (error instanceof Unreadable) return [fault(error.message)]
      throw error
    }
    if (value === undefined) return required ? [fault('is required')] : undefined
    const faults = check(value)
    return faults?.map(({ pointer, detail }) => fault(detail, pointer))
  }
  return (source) => {
    const faults = attempt(first, source)
    if (faults === undefined || others.length === 0) return faults
    return others.some((read) => attempt(read, source) === undefined) ? undefined : faults
  }
}

function unquoted(read: Reader): Reader {
  return (source) => {
    const found = read(source)
    return typeof found === 'string' ? (headerKey(found) ?? found) : found
  }
}

/**
 * Every way to read it, the most structured first. `tags=a` of a parameter that may be a text or a list of texts is
 * both, and fits where one of them fits; `7` of one that may be a number or a text likewise.
 */
function readersOf(parameter: Parameter, shape: Shape): readonly [Reader, ...Reader[]] {
  const text = textOf(parameter)
  if (parameter.in === 'querystring') return [wholeQuery(parameter, shape)]
  if (parameter.contentType !== undefined) {
    const json = isJson(parameter.contentType)
    return [
      (source) => {
        const found = decoded(text(source), parameter)
        return found === undefined || !json ? found : parsed(found)
      },
    ]
  }
  const { types } = shape
  const plain = (as: Shape | undefined): Reader => {
    return (source) => {
      const found = decoded(text(source), parameter)
      return found === undefined ? undefined : coerce(stripped(found, parameter), as)
    }
  }
  const readers: Reader[] = []
  if (types.has('object')) readers.push(objectReader(parameter, shape, text))
  if (types.has('array')) readers.push(arrayReader(parameter, shape, text))
  if (readers.length === 0 || scalars.some((type) => types.has(type))) readers.push(plain(shape))
  if (types.has('string') && types.size > 1) readers.push(plain(undefined))
  return readers as [Reader, ...Reader[]]
}

const scalars = ['string', 'number', 'integer', 'boolean', 'null'] as const

/** The one text of a parameter, raw. Twice in a query is a fault: two readers would take two different ones. */
function textOf({ name, in: place }: Parameter): (source: ParameterSource) => string | undefined {
  if (place === 'path') return (source) => source.path[name]
  if (place === 'header') {
    const header = name.toLowerCase()
    return (source) => source.headers.get(header)
  }
  const where = place === 'cookie' ? 'cookies' : 'query'
  return (source) => {
    let found: string | undefined
    for (const [other, value] of source[where]) {
      if (other !== name) continue
      if (found !== undefined) throw new Unreadable('is given more than once')
      found = value
    }
    return found
  }
}

function arrayReader(
  parameter: Parameter,
  shape: Shape,
  text: (source: ParameterSource) => string | undefined,
): Reader {
  const { name, in: place, style, explode } = parameter
  const item = (raw: string): unknown => coerce(need(decodedText(raw, parameter)), shape.items)
  if (explode && (place === 'query' || place === 'cookie') && (style === 'form' || style === 'cookie')) {
    const where = place === 'cookie' ? 'cookies' : 'query'
    return (source) => {
      let values: unknown[] | undefined
      for (const [other, value] of source[where]) if (other === name) (values ??= []).push(item(value))
      return values
    }
  }
  const delimiter = delimiterOf(parameter)
  return (source) => {
    const found = text(source)
    if (found === undefined) return undefined
    const list = stripped(found, parameter)
    // `a=` is the empty array of one item that OpenAPI leaves open; an empty list serves more callers.
    return list === '' ? [] : list.split(delimiter).map((one) => item(trimmed(one, parameter)))
  }
}

function objectReader(
  parameter: Parameter,
  shape: Shape,
  text: (source: ParameterSource) => string | undefined,
): Reader {
  const { name, in: place, style, explode } = parameter
  const value = (property: string, raw: string): unknown =>
    coerce(need(decodedText(raw, parameter)), shape.properties?.get(property) ?? shape.additional)
  if (style === 'deepObject') return deepObject(name, shape, parameter)
  if (explode && (place === 'query' || place === 'cookie')) {
    // Each property is a parameter of its own: only the declared names are ours.
    const where = place === 'cookie' ? 'cookies' : 'query'
    return (source) => {
      let found: Record<string, unknown> | undefined
      for (const [property, raw] of source[where]) {
        if (shape.properties?.has(property) !== true) continue
        put((found ??= empty()), property, value(property, raw))
      }
      return found
    }
  }
  const delimiter = delimiterOf(parameter)
  return (source) => {
    const raw = text(source)
    if (raw === undefined) return undefined
    const found = empty()
    const parts = stripped(raw, parameter)
      .split(delimiter)
      .map((part) => trimmed(part, parameter))
    if (explode) {
      for (const part of parts) {
        const mark = part.indexOf('=')
        if (mark === -1) throw new Unreadable('is not a list of name=value')
        const property = need(decodedText(part.slice(0, mark), parameter))
        put(found, property, value(property, part.slice(mark + 1)))
      }
      return found
    }
    if (parts.length % 2 === 1) throw new Unreadable('is not a list of names and values')
    for (let index = 0; index < parts.length; index += 2) {
      const property = need(decodedText(parts[index] ?? '', parameter))
      put(found, property, value(property, parts[index + 1] ?? ''))
    }
    return found
  }
}

/** `filter[status]=open&filter[tag]=a&filter[tag]=b`: one level, which is what OpenAPI defines. */
function deepObject(name: string, shape: Shape, parameter: Parameter): Reader {
  const prefix = `${name}[`
  return (source) => {
    let found: Record<string, unknown> | undefined
    for (const [other, raw] of source.query) {
      if (!other.startsWith(prefix) || !other.endsWith(']')) continue
      const property = other.slice(prefix.length, -1)
      const inner = shape.properties?.get(property) ?? shape.additional
      const text = need(decodedText(raw, parameter))
      found ??= empty()
      if (inner?.types.has('array') === true) {
        const list = Object.hasOwn(found, property) ? (found[property] as unknown[]) : []
        list.push(coerce(text, inner.items))
        found[property] = list
      } else put(found, property, coerce(text, inner))
    }
    return found
  }
}

function wholeQuery(parameter: Parameter, shape: Shape): Reader {
  const json = parameter.contentType !== undefined && isJson(parameter.contentType)
  return (source) => {
    if (source.queryText === '') return undefined
    if (json) return parsed(need(decodePercent(source.queryText)))
    const found = empty()
    for (const [property, raw] of source.query) {
      put(found, property, coerce(need(decodeForm(raw)), shape.properties?.get(property) ?? shape.additional))
    }
    return found
  }
}

/** Without a prototype: `__proto__` is a property like any other. */
function empty(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

function put(into: Record<string, unknown>, property: string, value: unknown): void {
  if (Object.hasOwn(into, property)) throw new Unreadable(`has ${JSON.stringify(property)} more than once`)
  into[property] = value
}

/** Paths are decoded by the router, headers never are; the rest is decoded here. */
function decodedText(raw: string, { in: place }: Parameter): string | undefined {
  if (place === 'query') return decodeForm(raw)
  if (place === 'cookie') return decodePercent(raw)
  return raw
}

function decoded(raw: string | undefined, parameter: Parameter): string | undefined {
  return raw === undefined ? undefined : need(decodedText(raw, parameter))
}

function need(text: string | undefined): string {
  if (text === undefined) throw new Unreadable('has a broken percent escape')
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unreadable('is not JSON')
  }
}

/** `.a.b` (label) and `;name=a` (matrix) carry a prefix. */
function stripped(text: string, { name, style, explode }: Parameter): string {
  if (style === 'label') {
    if (!text.startsWith('.')) throw new Unreadable('does not begin with a dot')
    return text.slice(1)
  }
  if (style === 'matrix') {
    if (!text.startsWith(';')) throw new Unreadable('does not begin with a semicolon')
    const body = text.slice(1)
    if (explode) return body.startsWith(`${name}=`) ? body.replaceAll(`;${name}=`, ';').slice(name.length + 1) : body
    if (!body.startsWith(`${name}=`)) throw new Unreadable(`does not begin with ;${name}=`)
    return body.slice(name.length + 1)
  }
  return text
}

function trimmed(part: string, { in: place }: Parameter): string {
  return place === 'header' ? part.trim() : part
}

function delimiterOf({ style, explode }: Parameter): string | RegExp {
  if (style === 'spaceDelimited') return /%20|\+/
  if (style === 'pipeDelimited') return /\||%7[cC]/
  if (explode && style === 'label') return '.'
  if (explode && style === 'matrix') return ';'
  return ','
}

function isJson(contentType: string): boolean {
  return /[/+]json\b/i.test(contentType)
}
