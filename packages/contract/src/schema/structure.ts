import type { Shape, ShapeDefinitions } from '../shape/shape.ts'

/** The structure of schemas themselves. Unknown keywords are annotations, but almost-known ones are mistakes. */

const schema: Shape = { $ref: '#/$defs/schema' }
const schemas: Shape = { type: 'array', minItems: 1, items: schema, 'x-hint': 'list at least one schema' }
const named: Shape = { type: 'object', additionalProperties: schema }
const count: Shape = { type: 'integer', minimum: 0 }
const text: Shape = { type: 'string' }
const flag: Shape = { type: 'boolean' }
const number: Shape = { type: 'number' }

const type: Shape = {
  enum: ['string', 'number', 'integer', 'boolean', 'array', 'object'],
  'x-synonyms': {
    int: 'integer',
    long: 'integer',
    float: 'number',
    double: 'number',
    decimal: 'number',
    bool: 'boolean',
    text: 'string',
    date: 'string',
    uuid: 'string',
    list: 'array',
    map: 'object',
    dict: 'object',
    any: 'object',
  },
}
const typeOrNull: Shape = { ...type, enum: [...(type.enum ?? []), 'null'] }

const common = {
  title: text,
  description: text,
  default: {},
  format: text,
  multipleOf: number,
  maximum: number,
  minimum: number,
  maxLength: count,
  minLength: count,
  pattern: text,
  maxItems: count,
  minItems: count,
  uniqueItems: flag,
  maxProperties: count,
  minProperties: count,
  required: { type: 'array', items: text, 'x-hint': 'list the names of the properties: `required: [id, total]`' },
  enum: { type: 'array', minItems: 1 },
  properties: named,
  allOf: schemas,
  anyOf: schemas,
  oneOf: schemas,
  not: schema,
  readOnly: flag,
  writeOnly: flag,
  deprecated: flag,
  example: {},
} as const satisfies Record<string, Shape>

const openapiOnly = {
  discriminator: { $ref: '#/$defs/discriminator' },
  xml: {},
  externalDocs: { $ref: '#/$defs/externalDocs' },
} as const satisfies Record<string, Shape>

const from2019 = {
  $id: text,
  $schema: text,
  $anchor: text,
  $ref: text,
  $dynamicRef: text,
  $dynamicAnchor: text,
  $vocabulary: {},
  $comment: text,
  $defs: named,
  definitions: named,
  const: {},
  examples: { type: 'array' },
  type: { anyOf: [typeOrNull, { type: 'array', minItems: 1, items: typeOrNull }] },
  if: schema,
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: schema,
  else: schema,
  dependentSchemas: named,
  prefixItems: schemas,
  contains: schema,
  maxContains: count,
  minContains: count,
  patternProperties: named,
  additionalProperties: schema,
  propertyNames: schema,
  unevaluatedItems: schema,
  unevaluatedProperties: schema,
  dependentRequired: { type: 'object', additionalProperties: { type: 'array', items: text } },
  contentEncoding: text,
  contentMediaType: text,
  contentSchema: schema,
  exclusiveMaximum: { ...number, 'x-hint': 'write the limit itself: `exclusiveMaximum: 100`' },
  exclusiveMinimum: { ...number, 'x-hint': 'write the limit itself: `exclusiveMinimum: 0`' },
} as const satisfies Record<string, Shape>

const openapi30: Shape = {
  title: 'a schema',
  type: 'object',
  'x-reference': true,
  additionalProperties: false,
  patternProperties: { '^x-': {} },
  properties: {
    ...common,
    ...openapiOnly,
    type,
    items: schema,
    nullable: flag,
    exclusiveMaximum: { ...flag, 'x-hint': 'write `true`, and the limit as `maximum`' },
    exclusiveMinimum: { ...flag, 'x-hint': 'write `true`, and the limit as `minimum`' },
    additionalProperties: { anyOf: [flag, schema] },
  },
}

const openapi31: Shape = {
  anyOf: [
    flag,
    {
      title: 'a schema',
      type: 'object',
      'x-reference': 'beside',
      'x-near-misses': true,
      properties: { ...common, ...from2019, ...openapiOnly, items: schema },
    },
  ],
}

const asyncapi: Shape = {
  anyOf: [
    flag,
    {
      title: 'a schema',
      type: 'object',
      'x-reference': true,
      'x-near-misses': true,
      properties: {
        ...common,
        ...from2019,
        items: { anyOf: [schema, { type: 'array', items: schema }] },
        additionalItems: schema,
        dependencies: {
          type: 'object',
          additionalProperties: { anyOf: [{ type: 'array', items: text }, schema] },
        },
        discriminator: text,
        externalDocs: { $ref: '#/$defs/externalDocs' },
        schemaFormat: text,
        schema: {},
      },
    },
  ],
}

/** The definition `schema` for a version of a specification. */
export function schemaShape(specification: 'openapi' | 'asyncapi', version: number): ShapeDefinitions {
  if (specification === 'asyncapi') return { schema: asyncapi }
  return { schema: version < 3.1 ? openapi30 : openapi31 }
}
