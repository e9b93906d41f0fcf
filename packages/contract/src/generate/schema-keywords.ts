/** JSON Schema 2020-12: which keywords hold schemas, and how. The rest is data or says nothing about instances. */
import type { JsonSchema } from '../model/schema.ts'

const ONE = [
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const MAP = ['$defs', 'dependentSchemas', 'patternProperties', 'properties']

/** What a validator needs to see besides the keywords with schemas inside. */
const ASSERTIONS = new Set(
  (
    '$ref type enum const format pattern required dependentRequired uniqueItems minLength maxLength minItems ' +
    'maxItems minContains maxContains minProperties maxProperties minimum maximum exclusiveMinimum ' +
    'exclusiveMaximum multipleOf'
  ).split(' '),
)

export type SchemaObject = Readonly<Record<string, unknown>>

export function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isSchemaObject(value)
}

/** The schemas directly inside one, in a fixed order. */
export function* subschemas(schema: JsonSchema): Generator<JsonSchema> {
  if (!isSchemaObject(schema)) return
  for (const keyword of ONE) if (isSchema(schema[keyword])) yield schema[keyword]
  for (const keyword of LIST) if (Array.isArray(schema[keyword])) yield* schema[keyword].filter(isSchema)
  for (const keyword of MAP) if (isSchemaObject(schema[keyword])) yield* Object.values(schema[keyword]).filter(isSchema)
}

/** A copy with each schema directly inside replaced; everything else is kept. */
export function mapSubschemas(
  schema: SchemaObject,
  change: (inner: JsonSchema, keyword: string) => JsonSchema,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (ONE.includes(keyword) && isSchema(value)) result[keyword] = change(value, keyword)
    else if (LIST.includes(keyword) && Array.isArray(value))
      result[keyword] = value.map((each: unknown) => (isSchema(each) ? change(each, keyword) : each))
    else if (MAP.includes(keyword) && isSchemaObject(value)) {
      const entries = Object.entries(value).map(([name, each]) => [name, isSchema(each) ? change(each, keyword) : each])
      result[keyword] = Object.fromEntries(entries)
    } else result[keyword] = value
  }
  return result
}

const REFERENCE = '#/$defs/'

/** The name a `$ref` refers to. */
export function referenced(schema: JsonSchema): string | undefined {
  const ref = isSchemaObject(schema) ? schema['$ref'] : undefined
  return typeof ref === 'string' && ref.startsWith(REFERENCE) ? ref.slice(REFERENCE.length) : undefined
}

/** The same schema with nothing in it but what decides whether an instance is valid. */
export function assertionsOf(schema: JsonSchema): JsonSchema {
  if (!isSchemaObject(schema)) return schema
  const kept: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (ASSERTIONS.has(keyword)) kept[keyword] = value
    else if (ONE.includes(keyword) && isSchema(value)) kept[keyword] = assertionsOf(value)
    else if (LIST.includes(keyword) && Array.isArray(value)) kept[keyword] = value.filter(isSchema).map(assertionsOf)
    else if (MAP.includes(keyword) && isSchemaObject(value)) kept[keyword] = mapOf(value)
  }
  return kept
}

function mapOf(schemas: SchemaObject): SchemaObject {
  const entries = Object.entries(schemas).flatMap(([name, schema]) =>
    isSchema(schema) ? [[name, assertionsOf(schema)] as const] : [],
  )
  return Object.fromEntries(entries)
}
