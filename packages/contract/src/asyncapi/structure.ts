import { schemaShape } from '../schema/structure.ts'
import type { Shape, ShapeDefinitions } from '../shape/shape.ts'

/** The structure of AsyncAPI 3.x documents, written from the specification. Bindings are the brokers' own business. */

const text: Shape = { type: 'string' }
const flag: Shape = { type: 'boolean' }
const list = (items: Shape): Shape => ({ type: 'array', items })
const mapOf = (value: Shape): Shape => ({ type: 'object', additionalProperties: value })
const to = (name: string): Shape => ({ $ref: `#/$defs/${name}` })

function object(properties: Record<string, Shape>, more: Partial<Shape> = {}): Shape {
  return { type: 'object', additionalProperties: false, patternProperties: { '^x-': {} }, properties, ...more }
}

/** Only a reference may stand there. */
const referenceOnly: Shape = {
  title: 'a reference (`$ref`)',
  type: 'object',
  required: ['$ref'],
  properties: { $ref: { ...text, examples: ["'#/channels/…'"] } },
}

const described = { title: text, summary: text, description: text } as const
const bindings: Shape = { type: 'object' }
const open: Shape = { type: 'object', 'x-reference': true }
const tags = list(to('tag'))
const externalDocs = to('externalDocs')

/** What an operation and its traits have in common; ours may stand on both. */
const operationTrait = {
  ...described,
  security: list(open),
  tags,
  externalDocs,
  bindings,
  'x-guarantees': {},
  'x-integration': {},
  'x-probe': {},
  'x-sunset': {},
  'x-effects': {
    enum: ['transaction', 'external'],
    'x-synonyms': { internal: 'transaction', database: 'transaction', http: 'external', outside: 'external' },
  },
} as const satisfies Record<string, Shape>

const messageTrait = {
  headers: to('schema'),
  correlationId: to('correlationId'),
  contentType: text,
  name: { ...text, minLength: 1 },
  ...described,
  tags,
  externalDocs,
  bindings,
  examples: list(object({ headers: {}, payload: {}, name: text, summary: text })),
  deprecated: flag,
  'x-sunset': {},
  'x-intent': { enum: ['command', 'event', 'document'] },
} as const satisfies Record<string, Shape>

const objects: ShapeDefinitions = {
  root: object(
    {
      asyncapi: text,
      id: text,
      info: to('info'),
      servers: mapOf(to('server')),
      defaultContentType: text,
      channels: mapOf(to('channel')),
      operations: mapOf(to('operation')),
      components: to('components'),
    },
    { required: ['asyncapi', 'info'] },
  ),
  info: object(
    {
      title: { ...text, examples: ['Orders'] },
      version: { ...text, examples: ['1.0.0'] },
      description: text,
      termsOfService: text,
      contact: object({ name: text, url: text, email: text }),
      license: object({ name: text, url: text }, { required: ['name'] }),
      tags,
      externalDocs,
      'x-integration': {},
      'x-sunset': {},
    },
    { required: ['title', 'version'] },
  ),
  server: object(
    {
      host: text,
      protocol: text,
      protocolVersion: text,
      pathname: text,
      ...described,
      variables: mapOf(open),
      security: list(open),
      tags,
      externalDocs,
      bindings,
    },
    { required: ['host', 'protocol'], 'x-reference': true },
  ),
  channel: object(
    {
      address: { type: ['string', 'null'] },
      messages: mapOf(to('message')),
      ...described,
      servers: list(referenceOnly),
      parameters: mapOf(to('parameter')),
      tags,
      externalDocs,
      bindings,
    },
    { 'x-reference': true },
  ),
  parameter: object(
    { enum: list(text), default: text, description: text, examples: list(text), location: text },
    { 'x-reference': true },
  ),
  operation: object(
    {
      action: {
        enum: ['send', 'receive'],
        'x-synonyms': { publish: 'send', subscribe: 'receive', emit: 'send', consume: 'receive' },
        examples: ['send'],
      },
      channel: { ...referenceOnly, examples: ["{ $ref: '#/channels/…' }"] },
      ...operationTrait,
      traits: list(to('operationTrait')),
      messages: list(referenceOnly),
      reply: to('reply'),
      deprecated: flag,
    },
    { required: ['action', 'channel'], 'x-reference': true },
  ),
  operationTrait: object(operationTrait, { 'x-reference': true }),
  reply: object(
    {
      address: object({ description: text, location: text }, { required: ['location'], 'x-reference': true }),
      channel: referenceOnly,
      messages: list(referenceOnly),
    },
    { 'x-reference': true },
  ),
  message: object(
    { ...messageTrait, payload: to('schema'), traits: list(to('messageTrait')) },
    { 'x-reference': true },
  ),
  messageTrait: object(messageTrait, { 'x-reference': true }),
  correlationId: object(
    { description: text, location: { ...text, examples: ['$message.header#/correlationId'] } },
    { required: ['location'], 'x-reference': true },
  ),
  tag: object({ name: text, description: text, externalDocs }, { required: ['name'], 'x-reference': true }),
  externalDocs: object({ description: text, url: text }, { required: ['url'], 'x-reference': true }),
  components: object({
    schemas: mapOf(to('schema')),
    servers: mapOf(to('server')),
    channels: mapOf(to('channel')),
    operations: mapOf(to('operation')),
    messages: mapOf(to('message')),
    securitySchemes: mapOf(open),
    serverVariables: mapOf(open),
    parameters: mapOf(to('parameter')),
    correlationIds: mapOf(to('correlationId')),
    replies: mapOf(to('reply')),
    replyAddresses: mapOf(open),
    externalDocs: mapOf(externalDocs),
    tags: mapOf(to('tag')),
    operationTraits: mapOf(to('operationTrait')),
    messageTraits: mapOf(to('messageTrait')),
    serverBindings: bindings,
    channelBindings: bindings,
    operationBindings: bindings,
    messageBindings: bindings,
  }),
}

/** Definitions for AsyncAPI 3.x; the document itself is `root`. */
export function asyncapiShapes(version: number): ShapeDefinitions {
  return { ...objects, ...schemaShape('asyncapi', version) }
}
