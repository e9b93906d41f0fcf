import { schemaShape } from '../schema/structure.ts'
import type { Shape, ShapeDefinitions } from '../shape/shape.ts'

/**
 * The structure of OpenAPI 3.0, 3.1 and 3.2 documents, written from the specifications: members, types, what is
 * required, and since when. What relates one place to another (path parameters, operation ids) is in the reader.
 */

const text: Shape = { type: 'string' }
const flag: Shape = { type: 'boolean' }
const list = (items: Shape): Shape => ({ type: 'array', items })
const mapOf = (value: Shape): Shape => ({ type: 'object', additionalProperties: value })
const to = (name: string): Shape => ({ $ref: `#/$defs/${name}` })
const since = (version: number, shape: Shape): Shape => ({ ...shape, 'x-since': version })

/** An object of the specification: `x-` members are free, others must be known. */
function object(properties: Record<string, Shape>, more: Partial<Shape> = {}): Shape {
  return { type: 'object', additionalProperties: false, patternProperties: { '^x-': {} }, properties, ...more }
}

/** Checked by the vocabulary, wherever they stand. */
const promises = { 'x-guarantees': {}, 'x-integration': {}, 'x-probe': {} } as const

const location: Shape = {
  enum: ['path', 'query', 'header', 'cookie', 'querystring'],
  'x-synonyms': { headers: 'header', body: 'query', url: 'path' },
}

/** `schema` or `content`, and how the value is written. Shared by parameters and headers. */
const value = {
  description: text,
  required: flag,
  deprecated: flag,
  allowEmptyValue: flag,
  style: text,
  explode: flag,
  allowReserved: flag,
  schema: to('schema'),
  example: {},
  examples: mapOf(to('example')),
  content: mapOf(to('mediaType')),
} as const satisfies Record<string, Shape>

/** Of `value`, and of a media type. */
const oneExample = { 'x-exclusive': [['example', 'examples']] } as const
const described = {
  ...oneExample,
  'x-one-of': ['schema', 'content'],
  'x-hint': 'add `schema: { type: string }`',
} as const

const status = '^([1-5][0-9]{2}|[1-5]XX|default)$'

const objects: ShapeDefinitions = {
  root: object(
    {
      openapi: text,
      $self: since(3.2, text),
      info: to('info'),
      jsonSchemaDialect: since(3.1, text),
      servers: list(to('server')),
      paths: to('paths'),
      webhooks: since(3.1, mapOf(to('pathItem'))),
      components: to('components'),
      security: list(to('securityRequirement')),
      tags: list(to('tag')),
      externalDocs: to('externalDocs'),
      'x-guarantees': {},
    },
    { required: ['openapi', 'info'], 'x-required-until': { paths: 3.0 } },
  ),
  info: object(
    {
      title: { ...text, examples: ['Orders'] },
      summary: since(3.1, text),
      description: text,
      termsOfService: text,
      contact: object({ name: text, url: text, email: text }),
      license: object({ name: text, identifier: since(3.1, text), url: text }, { required: ['name'] }),
      version: { ...text, examples: ['1.0.0'] },
      'x-integration': {},
      'x-sunset': {},
    },
    { required: ['title', 'version'] },
  ),
  server: object(
    {
      url: text,
      name: since(3.2, text),
      description: text,
      variables: mapOf(object({ enum: list(text), default: text, description: text }, { required: ['default'] })),
    },
    { required: ['url'] },
  ),
  paths: {
    title: 'paths',
    type: 'object',
    patternProperties: { '^/': to('pathItem'), '^x-': {} },
    additionalProperties: false,
  },
  pathItem: object(
    {
      $ref: text,
      summary: text,
      description: text,
      servers: list(to('server')),
      parameters: list(to('parameter')),
      get: to('operation'),
      put: to('operation'),
      post: to('operation'),
      delete: to('operation'),
      options: to('operation'),
      head: to('operation'),
      patch: to('operation'),
      trace: to('operation'),
      query: since(3.2, to('operation')),
      additionalOperations: since(3.2, mapOf(to('operation'))),
      'x-guarantees': {},
    },
    { 'x-reference': true },
  ),
  operation: object(
    {
      tags: list(text),
      summary: text,
      description: text,
      externalDocs: to('externalDocs'),
      operationId: { ...text, minLength: 1 },
      parameters: list(to('parameter')),
      requestBody: to('requestBody'),
      responses: to('responses'),
      callbacks: mapOf(to('callback')),
      deprecated: flag,
      security: list(to('securityRequirement')),
      servers: list(to('server')),
      'x-sunset': {},
      ...promises,
    },
    { 'x-required-until': { responses: 3.0 } },
  ),
  parameter: object(
    { ...value, name: { ...text, minLength: 1, examples: ['orderId'] }, in: { ...location, examples: ['query'] } },
    { required: ['name', 'in'], 'x-reference': true, ...described },
  ),
  header: object(value, { 'x-reference': true, ...described }),
  requestBody: object(
    { description: text, content: mapOf(to('mediaType')), required: flag },
    { required: ['content'], 'x-reference': true },
  ),
  mediaType: object(
    {
      schema: to('schema'),
      itemSchema: since(3.2, to('schema')),
      example: {},
      examples: mapOf(to('example')),
      encoding: mapOf(to('encoding')),
      prefixEncoding: since(3.2, list(to('encoding'))),
      itemEncoding: since(3.2, to('encoding')),
    },
    { 'x-reference': true, ...oneExample },
  ),
  encoding: object({
    contentType: text,
    headers: mapOf(to('header')),
    style: text,
    explode: flag,
    allowReserved: flag,
    encoding: since(3.2, mapOf(to('encoding'))),
    prefixEncoding: since(3.2, list(to('encoding'))),
    itemEncoding: since(3.2, to('encoding')),
  }),
  responses: {
    title: 'responses',
    type: 'object',
    minProperties: 1,
    patternProperties: { [status]: to('response'), '^x-': {} },
    additionalProperties: false,
    'x-hint': 'describe at least one answer',
  },
  response: object(
    {
      summary: since(3.2, text),
      description: { ...text, examples: ['The order was accepted.'] },
      headers: mapOf(to('header')),
      content: mapOf(to('mediaType')),
      links: mapOf(to('link')),
    },
    { 'x-required-until': { description: 3.1 }, 'x-reference': true },
  ),
  callback: {
    type: 'object',
    additionalProperties: to('pathItem'),
    patternProperties: { '^x-': {} },
    'x-reference': true,
  },
  example: object(
    {
      summary: text,
      description: text,
      value: {},
      dataValue: since(3.2, {}),
      serializedValue: since(3.2, text),
      externalValue: text,
    },
    { 'x-reference': true, 'x-exclusive': [['value', 'externalValue']] },
  ),
  link: object(
    {
      operationRef: text,
      operationId: text,
      parameters: { type: 'object' },
      requestBody: {},
      description: text,
      server: to('server'),
    },
    { 'x-reference': true, 'x-exclusive': [['operationRef', 'operationId']] },
  ),
  tag: object(
    {
      name: text,
      summary: since(3.2, text),
      description: text,
      externalDocs: to('externalDocs'),
      parent: since(3.2, text),
      kind: since(3.2, text),
    },
    { required: ['name'] },
  ),
  externalDocs: object({ description: text, url: text }, { required: ['url'] }),
  discriminator: object(
    { propertyName: text, mapping: mapOf(text), defaultMapping: since(3.2, text) },
    { required: ['propertyName'] },
  ),
  securityRequirement: { type: 'object', additionalProperties: list(text) },
  securityScheme: object(
    {
      type: {
        enum: ['apiKey', 'http', 'mutualTLS', 'oauth2', 'openIdConnect'],
        'x-synonyms': {
          bearer: 'http',
          basic: 'http',
          jwt: 'http',
          oauth: 'oauth2',
          oidc: 'openIdConnect',
          mtls: 'mutualTLS',
        },
        examples: ['http'],
      },
      description: text,
      name: text,
      in: { enum: ['query', 'header', 'cookie'], 'x-synonyms': { headers: 'header' } },
      scheme: text,
      bearerFormat: text,
      flows: object({
        implicit: to('oauthFlow'),
        password: to('oauthFlow'),
        clientCredentials: to('oauthFlow'),
        authorizationCode: to('oauthFlow'),
        deviceAuthorization: since(3.2, to('oauthFlow')),
      }),
      openIdConnectUrl: text,
      oauth2MetadataUrl: since(3.2, text),
      deprecated: since(3.2, flag),
    },
    { required: ['type'], 'x-reference': true },
  ),
  oauthFlow: object(
    {
      authorizationUrl: text,
      deviceAuthorizationUrl: since(3.2, text),
      tokenUrl: text,
      refreshUrl: text,
      scopes: mapOf(text),
    },
    { required: ['scopes'] },
  ),
  components: object({
    schemas: mapOf(to('schema')),
    responses: mapOf(to('response')),
    parameters: mapOf(to('parameter')),
    examples: mapOf(to('example')),
    requestBodies: mapOf(to('requestBody')),
    headers: mapOf(to('header')),
    securitySchemes: mapOf(to('securityScheme')),
    links: mapOf(to('link')),
    callbacks: mapOf(to('callback')),
    pathItems: since(3.1, mapOf(to('pathItem'))),
    mediaTypes: since(3.2, mapOf(to('mediaType'))),
  }),
}

/** Definitions for a version; the document itself is `root`. */
export function openapiShapes(version: number): ShapeDefinitions {
  return { ...objects, ...schemaShape('openapi', version) }
}
