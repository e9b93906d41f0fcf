/** From a use and its input to an HTTP request, by the provider's contract. */
import type { Expression } from '../contract/expression.ts'
import type { UseContract } from '../contract/service-contract.ts'
import { SpandrelError } from '../errors.ts'

/** What callers give: each part is optional where the contract has nothing required in it. */
export interface CallInput {
  params?: Readonly<Record<string, unknown>>
  query?: Readonly<Record<string, unknown>>
  headers?: Readonly<Record<string, unknown>>
  cookies?: Readonly<Record<string, unknown>>
  body?: unknown
}

export interface CallRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | Uint8Array | undefined
}

export function callRequest(use: UseContract, base: string, input: CallInput): CallRequest {
  let path = use.path
  const query = new URLSearchParams()
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json' }
  const cookies: string[] = []
  for (const parameter of use.parameters) {
    const { name } = parameter
    const value = valueOf(parameter, input)
    if (value === undefined) {
      if (!parameter.required || isKey(use, parameter)) continue
      throw new SpandrelError('contract-violation', `${use.ref}: the ${parameter.in} parameter ${name} is missing`)
    }
    const text = parameter.contentType !== undefined ? JSON.stringify(value) : styled(value)
    if (parameter.in === 'path') path = path.replace(`{${name}}`, () => inPath(parameter, value))
    else if (parameter.in === 'header') headers[name.toLowerCase()] = text
    else if (parameter.in === 'cookie') cookies.push(`${name}=${encodeURIComponent(text)}`)
    else addToQuery(query, parameter, value, text)
  }
  if (cookies.length > 0) headers['cookie'] = cookies.join('; ')
  let body: string | Uint8Array | undefined
  if (use.hasBody && input.body !== undefined) {
    const type =
      use.body?.contentTypes.find((each) => each.includes('json')) ?? use.body?.contentTypes[0] ?? 'application/json'
    headers['content-type'] ??= type
    const raw = input.body instanceof Uint8Array || (typeof input.body === 'string' && !type.includes('json'))
    body = raw ? (input.body as string | Uint8Array) : JSON.stringify(input.body)
  }
  const search = query.size > 0 ? `?${query.toString()}` : ''
  return { method: use.method.toUpperCase(), url: base.replace(/\/+$/, '') + path + search, headers, body }
}

type UseParameter = UseContract['parameters'][number]

function valueOf(parameter: UseParameter, input: CallInput): unknown {
  const { name } = parameter
  switch (parameter.in) {
    case 'path':
      return input.params?.[name]
    case 'query':
      return input.query?.[name]
    case 'header':
      return input.headers?.[name.toLowerCase()] ?? input.headers?.[name]
    case 'cookie':
      return input.cookies?.[name]
  }
}

function addToQuery(query: URLSearchParams, parameter: UseParameter, value: unknown, text: string): void {
  const { name } = parameter
  if (parameter.contentType !== undefined) query.append(name, text)
  else if (Array.isArray(value)) {
    const separator = { spaceDelimited: ' ', pipeDelimited: '|' }[parameter.style ?? 'form'] ?? ','
    if (parameter.explode ?? (parameter.style ?? 'form') === 'form')
      for (const item of value) query.append(name, styled(item))
    else query.append(name, value.map(styled).join(separator))
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      query.append(parameter.style === 'deepObject' ? `${name}[${key}]` : key, styled(item))
    }
  } else query.append(name, text)
}

function styled(value: unknown): string {
  if (Array.isArray(value)) return value.map(styled).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function inPath(parameter: UseParameter, value: unknown): string {
  const text = Array.isArray(value) ? value.map(encode).join(',') : encode(value)
  if (parameter.style === 'label') return `.${text}`
  return parameter.style === 'matrix' ? `;${parameter.name}=${text}` : text
}

function encode(value: unknown): string {
  return encodeURIComponent(styled(value))
}

/** The header that carries the provider's key; undefined where it has none, or reads it from somewhere else. */
export function keyHeader(use: UseContract): string | undefined {
  const { idempotency } = use.guarantees
  if (typeof idempotency === 'string') return undefined
  const key: Expression = idempotency.key
  return key.source === 'request.header' ? key.name.toLowerCase() : undefined
}

function isKey(use: UseContract, parameter: UseParameter): boolean {
  return parameter.in === 'header' && parameter.name.toLowerCase() === keyHeader(use)
}
