/**
 * Text of a request → the value of a parameter, by the contract's serialisation (OpenAPI 3.1, "Style Values"):
 *
 *   form      query, cookie   a=1&a=2 (explode) · a=1,2
 *   simple    path, header    1,2
 *   spaceDelimited, pipeDelimited   query   a=1%202 · a=1|2
 *   deepObject                query   a[x]=1&a[y]=2
 *   label, matrix             path    .1.2 · ;a=1,2
 *
 * What does not look like its type stays text: the validator then says what is wrong.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { JsonType, ParameterContract } from '../contract/service-contract.ts'

export interface ParameterSources {
  path: Readonly<Record<string, string>>
  query: URLSearchParams
  headers: IncomingHttpHeaders
  cookies: Readonly<Record<string, string>>
}

/** The value, or undefined where the request does not have the parameter. */
export function readParameter(parameter: ParameterContract, sources: ParameterSources): unknown {
  const { name } = parameter
  const style = parameter.style ?? (parameter.in === 'query' || parameter.in === 'cookie' ? 'form' : 'simple')
  if (parameter.in === 'query') {
    if (style === 'deepObject') return deepObject(name, sources.query)
    const explode = parameter.explode ?? style === 'form'
    if (explode && parameter.contentType === undefined) {
      if (parameter.type === 'array') {
        const all = sources.query.getAll(name)
        return all.length === 0 ? undefined : items(all, parameter.itemType)
      }
      // An exploded object has its properties as parameters of their own; which ones, only its schema knows.
      if (parameter.type === 'object') return exploded(sources.query)
    }
  }
  const text = raw(parameter, sources)
  if (text === undefined) return undefined
  if (parameter.contentType !== undefined) return json(text)
  const plain =
    style === 'label'
      ? text.replace(/^\./, '')
      : style === 'matrix'
        ? text.replace(new RegExp(`^;${name}=?`), '')
        : text
  const separator = { spaceDelimited: ' ', pipeDelimited: '|', label: parameter.explode ? '.' : ',' }[style] ?? ','
  switch (parameter.type) {
    case 'array':
      return plain === '' ? [] : items(plain.split(separator), parameter.itemType)
    case 'object':
      return pairs(plain.split(separator), parameter.explode ?? false)
    default:
      return coerce(plain, parameter.type)
  }
}

function raw(parameter: ParameterContract, sources: ParameterSources): string | undefined {
  switch (parameter.in) {
    case 'path':
      return sources.path[parameter.name]
    case 'query':
      return sources.query.get(parameter.name) ?? undefined
    case 'header': {
      const value = sources.headers[parameter.name.toLowerCase()]
      return Array.isArray(value) ? value.join(',') : value
    }
    case 'cookie':
      return sources.cookies[parameter.name]
  }
}

function items(texts: readonly string[], type: JsonType | undefined): unknown[] {
  return texts.map((text) => coerce(text.trim(), type ?? 'string'))
}

function coerce(text: string, type: JsonType): unknown {
  switch (type) {
    case 'number':
    case 'integer':
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'array':
    case 'object':
      return json(text)
    case 'string':
      return text
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function deepObject(name: string, query: URLSearchParams): Record<string, string> | undefined {
  const found: Record<string, string> = {}
  for (const [key, value] of query) {
    if (key.startsWith(`${name}[`) && key.endsWith(']')) found[key.slice(name.length + 1, -1)] = value
  }
  return Object.keys(found).length === 0 ? undefined : found
}

function exploded(query: URLSearchParams): Record<string, string> | undefined {
  return query.size === 0 ? undefined : Object.fromEntries(query)
}

/** `a,1,b,2` or, exploded, `a=1,b=2`. */
function pairs(texts: readonly string[], explode: boolean): Record<string, string> {
  const found: Record<string, string> = {}
  if (explode) {
    for (const text of texts) {
      const at = text.indexOf('=')
      if (at > 0) found[text.slice(0, at)] = text.slice(at + 1)
    }
  } else for (let index = 0; index + 1 < texts.length; index += 2) found[texts[index] ?? ''] = texts[index + 1] ?? ''
  return found
}

export function readCookies(header: string | undefined): Record<string, string> {
  const cookies: Record<string, string> = {}
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) cookies[pair.slice(0, at).trim()] = pair.slice(at + 1).trim()
  }
  return cookies
}
