/**
 * A request that fits an operation's contract, with every parameter and every member it may have: what a client that
 * has read the document would send. Written from the OpenAPI specification alone, so that the gateway's own reader
 * meets somebody else's writing. Values come from the schema; where the plain way of filling it in does not fit, from
 * the search that `spandrel diff` finds its witnesses with.
 */
import {
  createAccepts,
  type HttpOperation,
  type JsonSchema,
  type MediaType,
  type Parameter,
  type SchemaCheck,
  SchemaCompiler,
  type SecurityScheme,
  type Service,
} from '@spandrel/contract'

export interface ContractRequest {
  readonly method: string
  /** path and query */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

/** What a client has to prove who it is. */
export interface Wallet {
  /** a token with these scopes */
  readonly token: (scopes: readonly string[]) => Promise<string>
  readonly apiKey: string
  /** of a proxy in front, for schemes that only it can check */
  readonly proxied: Readonly<Record<string, string>>
}

type Value = unknown

export class RequestWriter {
  readonly #schemas: Service['schemas']
  readonly #checks = new Map<JsonSchema, SchemaCheck>()
  /** undefined: it is proven that nothing fits */
  readonly #witness: (schema: JsonSchema) => Value

  /** `service`: as its requests are, `directed` */
  constructor(service: Service) {
    this.#schemas = service.schemas
    const compiler = new SchemaCompiler(service.name, service.schemas)
    for (const { parameters, requestBody } of Object.values(service.operations)) {
      for (const { schema } of [...parameters, ...(requestBody?.content ?? [])]) {
        if (schema !== undefined && !this.#checks.has(schema.schema))
          this.#checks.set(schema.schema, compiler.add(schema.schema))
      }
    }
    compiler.finish()
    const search = createAccepts({ policy: 'strict', readerSchemas: {}, writerSchemas: service.schemas })
    this.#witness = (schema) => {
      const { answer, differences } = search(false, schema)
      if (answer === 'yes') return undefined
      const [found] = differences
      if (found?.answer !== 'no') throw new Error(`no value was found for ${JSON.stringify(schema).slice(0, 200)}`)
      return found.witness
    }
  }

  async write(operation: HttpOperation, wallet: Wallet): Promise<ContractRequest> {
    const headers: Record<string, string> = {}
    const query: string[] = []
    const cookies: string[] = []
    let path = operation.path.replaceAll(/[^!-~]+/g, encodeURIComponent)
    for (const parameter of operation.parameters) {
      const written = writeParameter(parameter, this.valueOf(parameter.schema.schema))
      if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, written)
      else if (parameter.in === 'header') headers[parameter.name.toLowerCase()] = written
      else if (parameter.in === 'cookie') cookies.push(written)
      else if (written !== '') query.push(written)
    }
    let body: Buffer | undefined
    const media = operation.requestBody?.content[0]
    const written = media === undefined ? undefined : this.#body(media)
    if (written !== undefined) {
      const [type, bytes] = written
      headers['content-type'] = type
      body = bytes
    } else if (operation.requestBody?.required === true) throw new Error(`no body fits ${operation.operation}`)
    const { idempotency } = operation.guarantees.values
    if (typeof idempotency === 'object' && idempotency.key.source === 'request.header')
      headers[idempotency.key.name.toLowerCase()] ??= 'key-1'
    for (const { scheme, scopes } of operation.security[0]?.schemes ?? [])
      await show(scheme, scopes, wallet, { headers, query, cookies })
    if (cookies.length > 0) headers['cookie'] = cookies.join('; ')
    return { method: operation.method, target: query.length === 0 ? path : `${path}?${query.join('&')}`, headers, body }
  }

  valueOf(schema: JsonSchema): Value {
    const full = this.#filled(schema, 0)
    return full !== undefined && this.#checks.get(schema)?.(full) === undefined ? full : this.#witness(schema)
  }

  /** undefined: no value fits the schema. `allOf` over an object that is closed has that effect. */
  #body({ contentType, json, schema }: MediaType): [type: string, bytes: Buffer] | undefined {
    const type = contentType.replace('*/*', 'application/octet-stream').replace('/*', '/plain')
    const value = schema === undefined ? (json ? {} : 'text') : this.valueOf(schema.schema)
    if (value === undefined) return undefined
    if (json) return [type, Buffer.from(JSON.stringify(value))]
    const members = typeof value === 'object' && value !== null ? Object.entries(value) : []
    if (type === 'application/x-www-form-urlencoded')
      return [type, Buffer.from(members.map(([name, one]) => `${escaped(name)}=${escaped(textOf(one))}`).join('&'))]
    if (type.startsWith('multipart/')) {
      const parts = members.map(
        ([name, one]) => `--part\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${textOf(one)}\r\n`,
      )
      return [`${type}; boundary=part`, Buffer.from(`${parts.join('')}--part--\r\n`)]
    }
    return [type, Buffer.from(typeof value === 'string' && value !== '' ? value : textOf(value))]
  }

  /** The fullest plain value; undefined: there is none at this depth. */
  #filled(schema: JsonSchema, depth: number): Value {
    if (typeof schema === 'boolean') return schema ? 'any' : undefined
    const at = schema as Record<string, unknown>
    if (typeof at['$ref'] === 'string') {
      const name = decodeURIComponent(at['$ref'].slice('#/$defs/'.length))
      return this.#filled(this.#schemas[name]?.schema ?? false, depth + 1)
    }
    if (depth > 12) return undefined
    if ('const' in at) return at['const']
    if (Array.isArray(at['enum'])) return at['enum'].find((one) => one !== null)
    for (const key of ['anyOf', 'oneOf'] as const) {
      for (const one of (at[key] ?? []) as JsonSchema[]) {
        const found = this.#filled({ ...at, [key]: undefined, ...plain(one, this.#schemas) } as JsonSchema, depth + 1)
        if (found !== undefined && found !== null) return found
      }
    }
    if (Array.isArray(at['allOf'])) {
      const parts = (at['allOf'] as JsonSchema[]).map((one) => this.#filled(one, depth + 1))
      const own = this.#filled({ ...at, allOf: undefined } as JsonSchema, depth)
      const all = [...parts, own]
      return all.every((one) => typeof one === 'object') ? Object.assign({}, ...all) : all.find((one) => one !== 'any')
    }
    const types = ([] as unknown[]).concat(at['type'] ?? (at['properties'] === undefined ? 'any' : 'object'))
    switch (types.find((one) => one !== 'null')) {
      case 'object':
        return this.#object(at, depth)
      case 'array': {
        const item = this.#filled((at['items'] ?? true) as JsonSchema, depth + 1)
        return item === undefined ? [] : Array.from({ length: Math.max(1, Number(at['minItems'] ?? 1)) }, () => item)
      }
      case 'integer':
      case 'number':
        return Math.max(Number(at['minimum'] ?? 1), Number(at['exclusiveMinimum'] ?? 0) + 1)
      case 'boolean':
        return true
      case 'string':
        return ofFormat(at)
      case 'any':
        return 'any'
      default:
        return null
    }
  }

  #object(at: Record<string, unknown>, depth: number): Value {
    const found: Record<string, unknown> = {}
    for (const [name, member] of Object.entries((at['properties'] ?? {}) as Record<string, JsonSchema>)) {
      const value = this.#filled(member, depth + 1)
      if (value !== undefined) found[name] = value
    }
    return found
  }
}

/** An alternative in place: what is beside `oneOf` holds too. */
function plain(schema: JsonSchema, schemas: Service['schemas']): object {
  if (typeof schema === 'boolean') return schema ? {} : { const: undefined }
  const reference = (schema as Record<string, unknown>)['$ref']
  if (typeof reference !== 'string') return schema
  const { schema: named = false } = schemas[decodeURIComponent(reference.slice('#/$defs/'.length))] ?? {}
  return plain(named, schemas)
}

const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-02T03:04:05Z',
  date: '2026-01-02',
  time: '03:04:05Z',
  duration: 'P1D',
  uuid: '6b0a4f5e-5c0e-4c8e-9a3f-0c9a4b8d2d11',
  uri: 'https://example.com/a',
  url: 'https://example.com/a',
  'uri-reference': '/a',
  'uri-template': '/a/{b}',
  email: 'a@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  byte: 'YQ==',
}

function ofFormat(at: Record<string, unknown>): string {
  const text = formats[(at['format'] ?? '') as string] ?? 'some text/ä'
  return text.padEnd(Number(at['minLength'] ?? 0), 'x').slice(0, Number(at['maxLength'] ?? 1000))
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** `encodeURIComponent`, and what it leaves that a style gives a meaning. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** OpenAPI 3.2, "Style Values" and "Style Examples"; headers are written as they are. */
function writeParameter({ name, in: place, style, explode, contentType }: Parameter, value: Value): string {
  // A slash in a path parameter is refused, and belongs into no header of this test.
  const text = (one: unknown): string => {
    const shown = place === 'path' || place === 'header' ? textOf(one).replaceAll(/[^ -~]|\//g, '-') : textOf(one)
    return place === 'header' ? shown : escaped(shown)
  }
  if (place === 'querystring') {
    if (contentType?.endsWith('json') === true) return escaped(JSON.stringify(value))
    const members = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return members.map(([one, inner]) => `${escaped(one)}=${text(inner)}`).join('&')
  }
  const named = place === 'query' || place === 'cookie'
  const key = place === 'query' ? escaped(name) : name
  if (contentType !== undefined) {
    const shown = contentType.endsWith('json') ? JSON.stringify(value) : textOf(value)
    return named ? `${key}=${escaped(shown)}` : place === 'header' ? shown : escaped(shown)
  }
  const separator = { spaceDelimited: '%20', pipeDelimited: '%7C' }[style] ?? ','
  if (Array.isArray(value)) {
    if (named && explode) return value.map((one) => `${key}=${text(one)}`).join('&')
    if (named) return `${key}=${value.map(text).join(separator)}`
    if (style === 'label') return `.${value.map(text).join(explode ? '.' : ',')}`
    if (style === 'matrix')
      return explode ? value.map((one) => `;${name}=${text(one)}`).join('') : `;${name}=${value.map(text).join(',')}`
    return value.map(text).join(',')
  }
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value)
    if (style === 'deepObject') return pairs.map(([one, inner]) => deep(`${key}[${escaped(one)}]`, inner)).join('&')
    if (named && explode) return pairs.map(([one, inner]) => `${escaped(one)}=${text(inner)}`).join('&')
    const flat = explode
      ? pairs.map(([one, inner]) => `${text(one)}=${text(inner)}`)
      : pairs.flatMap(([one, inner]) => [text(one), text(inner)])
    if (named) return `${key}=${flat.join(separator)}`
    if (style === 'label') return `.${flat.join(explode ? '.' : ',')}`
    if (style === 'matrix') return explode ? flat.map((one) => `;${one}`).join('') : `;${name}=${flat.join(',')}`
    return flat.join(',')
  }
  if (named) return `${key}=${text(value)}`
  return style === 'label' ? `.${text(value)}` : style === 'matrix' ? `;${name}=${text(value)}` : text(value)
}

function deep(key: string, value: unknown): string {
  return Array.isArray(value)
    ? value.map((one) => `${key}=${escaped(textOf(one))}`).join('&')
    : `${key}=${escaped(textOf(value))}`
}

async function show(
  scheme: SecurityScheme,
  scopes: readonly string[],
  wallet: Wallet,
  to: { headers: Record<string, string>; query: string[]; cookies: string[] },
): Promise<void> {
  if (scheme.type === 'apiKey') {
    const name = scheme.parameter ?? ''
    if (scheme.in === 'header') to.headers[name.toLowerCase()] = wallet.apiKey
    else (scheme.in === 'cookie' ? to.cookies : to.query).push(`${name}=${wallet.apiKey}`)
  } else if (scheme.type === 'mutualTLS' || (scheme.type === 'http' && scheme.scheme !== 'bearer'))
    Object.assign(to.headers, wallet.proxied)
  else to.headers['authorization'] = `Bearer ${await wallet.token(scopes)}`
}
