/** Small systems as plain data, in the shape that the loader gives out. */
import type {
  Expression,
  Guarantees,
  HttpOperation,
  KeyGuarantee,
  JsonSchema,
  NamedSchema,
  Offer,
  Parameter,
  SecurityScheme,
  Service,
  System,
  Gateway,
} from '@spandrel/contract'

export interface OperationSketch {
  method?: string
  path: string
  parameters?: readonly (Partial<Omit<Parameter, 'schema'>> &
    Pick<Parameter, 'name' | 'in'> & { schema?: JsonSchema })[]
  /** content type → schema (undefined: no schema) */
  body?: Readonly<Record<string, JsonSchema | undefined>>
  bodyOptional?: boolean
  security?: readonly (readonly { scheme: SecurityScheme; scopes?: readonly string[] }[])[]
  guarantees?: Partial<Guarantees>
  correlation?: Expression
  /** by status: its content type, or what more is declared of it (`type: ''`: no body) */
  answers?: Readonly<Record<string, string | AnswerSketch>>
  deprecated?: boolean
  sunset?: string
  servers?: readonly string[]
}

export interface AnswerSketch {
  type?: string
  schema?: JsonSchema
  /** name → schema; `!` at the end of the name: required */
  headers?: Readonly<Record<string, JsonSchema>>
}

export interface ServiceSketch {
  keys?: 'service' | 'gateway'
  url?: string
  operations: Readonly<Record<string, OperationSketch>>
  schemas?: Readonly<Record<string, JsonSchema>>
  external?: boolean
  /** how the gateway offers it */
  gateway?: Omit<Offer, 'location'>
  /** of its document */
  servers?: readonly string[]
}

const location = { file: '/contracts/test.openapi.yaml', line: 1, column: 1, pointer: '' }

/** The header key of most tests. */
export const key: KeyGuarantee = {
  key: { source: 'request.header', name: 'Idempotency-Key' },
  required: true,
  scope: 'global',
  retentionMs: 86_400_000,
  onOverlap: 'reject',
  onMismatch: 'reject',
  remembers: 'final',
}

export const bearer: SecurityScheme = { name: 'token', type: 'http', scheme: 'bearer', location }
export const apiKey: SecurityScheme = { name: 'key', type: 'apiKey', in: 'header', parameter: 'X-API-Key', location }

export function system(services: Readonly<Record<string, ServiceSketch>>, gateway?: Partial<Gateway>): System {
  const setting = { text: 'postgres:', value: 'postgres:', default: 'postgres:', missing: [], location }
  return {
    name: 'test',
    file: '/spandrel.yaml',
    dir: '/',
    services: Object.fromEntries(Object.entries(services).map(([name, sketch]) => [name, service(name, sketch)])),
    workflows: {},
    channels: {},
    integrations: [],
    transport: setting,
    ...(gateway !== undefined && { gateway: { port: 0, host: '127.0.0.1', location, ...gateway } }),
    defaults: { style: 'messaging' },
    location,
  }
}

let line = 1

function service(name: string, sketch: ServiceSketch): Service {
  const schemas: Record<string, NamedSchema> = {}
  for (const [schema, value] of Object.entries(sketch.schemas ?? {}))
    schemas[schema] = { name: schema, schema: value, location }
  return {
    name,
    external: sketch.external ?? false,
    version: '1.0.0',
    ...(sketch.url !== undefined && {
      url: { text: sketch.url, value: sketch.url, default: sketch.url, missing: [], location },
    }),
    keys: sketch.keys ?? 'service',
    ...(sketch.gateway !== undefined && { gateway: { ...sketch.gateway, location } }),
    documents:
      sketch.servers === undefined
        ? []
        : [
            {
              file: `/contracts/${name}.openapi.yaml`,
              kind: 'openapi',
              specification: '3.1.0',
              title: name,
              version: '1.0.0',
              servers: sketch.servers,
              sidecars: [],
              location,
            },
          ],
    operations: Object.fromEntries(
      Object.entries(sketch.operations).map(([operation, one]) => [operation, operationOf(name, operation, one)]),
    ),
    webhooks: [],
    channels: {},
    messages: {},
    sends: {},
    receives: {},
    uses: {},
    schemas,
    dir: '/',
    location,
  }
}

function operationOf(service: string, operation: string, sketch: OperationSketch): HttpOperation {
  const method = sketch.method ?? 'GET'
  const natural = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'].includes(method)
  const at = { ...location, file: `/contracts/${service}.openapi.yaml`, line: ++line }
  return {
    kind: 'http',
    service,
    operation,
    method,
    path: sketch.path,
    parameters: (sketch.parameters ?? []).map(parameterOf),
    ...(sketch.body !== undefined && {
      requestBody: {
        required: sketch.bodyOptional !== true,
        content: Object.entries(sketch.body).map(([contentType, schema]) => ({
          contentType,
          json: /[/+]json$/.test(contentType),
          ...(schema !== undefined && { schema: { schema, location } }),
        })),
        location,
      },
    }),
    responses: Object.fromEntries(
      Object.entries(sketch.answers ?? { '200': 'application/json' }).map(([status, answer]) => [
        status,
        responseOf(status, typeof answer === 'string' ? { type: answer } : answer),
      ]),
    ),
    security: (sketch.security ?? []).map((schemes) => ({
      schemes: schemes.map(({ scheme, scopes }) => ({ scheme, scopes: scopes ?? [] })),
    })),
    guarantees: {
      values: {
        idempotency: natural ? 'natural' : 'none',
        delivery: 'at-least-once',
        ordering: 'none',
        retry: 'none',
        deadLetter: 'none',
        ...sketch.guarantees,
      },
      declared: sketch.guarantees?.retry === undefined ? {} : { retry: location },
      natural,
      ...(sketch.correlation !== undefined && { correlation: sketch.correlation }),
    },
    callbacks: [],
    deprecated: sketch.deprecated ?? false,
    ...(sketch.sunset !== undefined && { sunset: sketch.sunset }),
    ...(sketch.servers !== undefined && { servers: sketch.servers }),
    location: at,
  }
}

function responseOf(
  status: string,
  { type = 'application/json', schema, headers = {} }: AnswerSketch,
): HttpOperation['responses'][string] {
  const media = {
    contentType: type,
    json: type.endsWith('json'),
    ...(schema !== undefined && { schema: { schema, location } }),
  }
  return {
    status,
    content: type === '' ? [] : [media],
    headers: Object.entries(headers).map(([name, one]) => ({
      name: name.replace(/!$/, ''),
      required: name.endsWith('!'),
      schema: { schema: one, location },
      location,
    })),
    location,
  }
}

function parameterOf(sketch: NonNullable<OperationSketch['parameters']>[number]): Parameter {
  const style = sketch.style ?? (sketch.in === 'query' || sketch.in === 'cookie' ? 'form' : 'simple')
  const { schema = { type: 'string' }, ...rest } = sketch
  const type = typeof schema === 'object' ? (schema['type'] as Parameter['type'] | undefined) : undefined
  return {
    required: sketch.in === 'path',
    deprecated: false,
    style,
    explode: style === 'form',
    allowReserved: false,
    type: typeof type === 'string' ? type : 'string',
    location,
    ...rest,
    schema: { schema, location },
  }
}
