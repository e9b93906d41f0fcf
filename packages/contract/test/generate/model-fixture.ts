/** Builds models in memory, for tests of the generator alone. */
import type { Message, ReceiveOperation, SendOperation } from '../../src/model/message.ts'
import type { HttpOperation, Parameter } from '../../src/model/operation.ts'
import type { JsonSchema, Schema } from '../../src/model/schema.ts'
import type { Guarantees, ResolvedGuarantees } from '../../src/model/guarantees.ts'
import type { Service, System, Use } from '../../src/model/system.ts'

const location = { file: '/system/spandrel.yaml', line: 1, column: 1, pointer: '' }

export function schemaAt(schema: JsonSchema): Schema {
  return { schema, location }
}

export const DEFAULTS: Guarantees = {
  idempotency: 'none',
  delivery: 'at-least-once',
  ordering: 'none',
  retry: { attempts: 5, backoff: 'exponential', delayMs: 1000, maxDelayMs: 300_000 },
  deadLetter: { retentionMs: 1_209_600_000, replay: 'manual', onPoison: 'hold-key' },
}

export function guarantees(values: Partial<Guarantees> = {}): ResolvedGuarantees {
  return { values: { ...DEFAULTS, ...values }, declared: {}, natural: false }
}

export function parameter(
  name: string,
  place: Parameter['in'],
  schema: JsonSchema,
  more: Partial<Parameter> = {},
): Parameter {
  const style = place === 'query' || place === 'cookie' ? 'form' : 'simple'
  const declared = typeof schema === 'object' ? schema['type'] : undefined
  const type = typeof declared === 'string' ? (declared as Parameter['type']) : 'string'
  return {
    name,
    in: place,
    required: place === 'path',
    deprecated: false,
    style,
    explode: style === 'form',
    allowReserved: false,
    type,
    schema: schemaAt(schema),
    location,
    ...more,
  }
}

interface OperationSketch {
  readonly parameters?: readonly Parameter[]
  readonly body?: JsonSchema
  /** by status: the schema of its JSON body, or undefined for none */
  readonly answers?: Readonly<Record<string, JsonSchema | undefined>>
  readonly guarantees?: Partial<Guarantees>
  readonly more?: Partial<HttpOperation>
}

export function operation(name: string, method: string, path: string, sketch: OperationSketch = {}): HttpOperation {
  const responses = Object.entries(sketch.answers ?? { 200: true }).map(([status, schema]) => [
    status,
    { status, headers: [], location, content: schema === undefined ? [] : [json(schema)] },
  ])
  return {
    kind: 'http',
    service: '',
    operation: name,
    method,
    path,
    parameters: sketch.parameters ?? [],
    ...(sketch.body === undefined ? {} : { requestBody: { required: true, content: [json(sketch.body)], location } }),
    responses: Object.fromEntries(responses) as HttpOperation['responses'],
    security: [],
    guarantees: guarantees(sketch.guarantees),
    callbacks: [],
    deprecated: false,
    location,
    ...sketch.more,
  }
}

function json(schema: JsonSchema): { contentType: string; json: boolean; schema: Schema } {
  return { contentType: 'application/json', json: true, schema: schemaAt(schema) }
}

export function message(name: string, payload: JsonSchema, more: Partial<Message> = {}): Message {
  return {
    message: name,
    type: name,
    intent: 'event',
    contentType: 'application/json',
    payload: schemaAt(payload),
    deprecated: false,
    location,
    ...more,
  }
}

export function send(name: string, channel: string, messages: readonly Message[]): SendOperation {
  return {
    kind: 'send',
    service: '',
    operation: name,
    channel,
    parameters: [],
    security: [],
    messages,
    guarantees: guarantees(),
    deprecated: false,
    location,
  }
}

export function receive(name: string, channel: string, messages: readonly Message[]): ReceiveOperation {
  const common = {
    service: '',
    operation: name,
    channel,
    parameters: [],
    security: [],
    messages,
    guarantees: guarantees(),
    deprecated: false,
    location,
  }
  return { kind: 'receive', effects: 'transaction', ...common }
}

interface ServiceSketch {
  readonly schemas?: Readonly<Record<string, JsonSchema>>
  readonly operations?: readonly HttpOperation[]
  readonly sends?: readonly SendOperation[]
  readonly receives?: readonly ReceiveOperation[]
  /** operations of other services, by reference */
  readonly uses?: Readonly<Record<string, HttpOperation>>
  readonly more?: Partial<Service>
}

export function service(name: string, sketch: ServiceSketch): Service {
  const traffic = [...(sketch.sends ?? []), ...(sketch.receives ?? [])]
  const channels = traffic.map(({ channel }) => [channel, { address: channel, ordered: true, partitions: 8, location }])
  return {
    name,
    external: false,
    version: '1.0.0',
    keys: 'service',
    documents: [
      {
        file: `/system/${name}.yaml`,
        kind: 'openapi',
        specification: '3.1.0',
        title: name,
        version: '1.0.0',
        servers: [],
        sidecars: [],
        location,
      },
    ],
    operations: byOperation(sketch.operations ?? []),
    webhooks: [],
    channels: Object.fromEntries(channels) as Service['channels'],
    messages: Object.fromEntries(traffic.flatMap((each) => each.messages.map((one) => [one.message, one]))),
    sends: byOperation(sketch.sends ?? []),
    receives: byOperation(sketch.receives ?? []),
    uses: Object.fromEntries(Object.entries(sketch.uses ?? {}).map(([ref, provider]) => [ref, use(ref, provider)])),
    schemas: Object.fromEntries(
      Object.entries(sketch.schemas ?? {}).map(([schemaName, schema]) => [
        schemaName,
        { name: schemaName, schema, location },
      ]),
    ),
    dir: '/system',
    location,
    ...sketch.more,
  }
}

function byOperation<T extends { readonly operation: string }>(operations: readonly T[]): Record<string, T> {
  return Object.fromEntries(operations.map((each) => [each.operation, each]))
}

function use(ref: string, provider: HttpOperation): Use {
  const [name = ''] = ref.split('.')
  const url = { env: `${name.toUpperCase()}_URL`, default: 'http://127.0.0.1:7002' }
  return { ref, service: name, operation: provider.operation, style: 'rpc', provider, url, location }
}

export function system(name: string, services: readonly Service[]): System {
  return {
    name,
    file: '/system/spandrel.yaml',
    dir: '/system',
    services: Object.fromEntries(services.map((each) => [each.name, each])),
    workflows: {},
    channels: {},
    integrations: [],
    transport: { text: 'postgres:', value: 'postgres:', default: 'postgres:', missing: [], location },
    defaults: {},
    location,
  }
}
