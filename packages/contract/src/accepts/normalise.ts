/**
 * Schemas of other dialects, rewritten into 2020-12. Those of a `System` are that already (schema-reader.ts); this is
 * for schemas that come from elsewhere.
 */
import type { JsonSchema } from '../model/schema.ts'
import type { Dialect } from '../schema/dialect.ts'
import { isSchema, isSchemaObject, type SchemaObject } from '../generate/schema-keywords.ts'
import { recordOf } from './value.ts'

const ONE = new Set(
  'additionalProperties contains else if items not propertyNames then unevaluatedItems unevaluatedProperties'.split(
    ' ',
  ),
)
const LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const MAP = new Set(['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'])

export function normalise(schema: JsonSchema, dialect: Dialect): JsonSchema {
  if (dialect === '2020-12' || !isSchemaObject(schema)) return schema
  // What stands beside a reference says nothing, except where other references look for it.
  const ignores = typeof schema['$ref'] === 'string'
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (ignores && key !== '$ref' && key !== 'definitions' && key !== '$defs') return []
    return keyword(key, value, schema, dialect)
  })
  const result = recordOf(entries)
  if (dialect !== 'openapi-3.0' || schema['nullable'] !== true || typeof result['type'] !== 'string') return result
  return { ...result, type: [result['type'], 'null'] }
}

function keyword(key: string, value: unknown, schema: SchemaObject, dialect: Dialect): [string, unknown][] {
  const each = (inner: unknown): unknown => (isSchema(inner) ? normalise(inner, dialect) : inner)
  if (key === 'items' && Array.isArray(value)) return [['prefixItems', value.map(each)]]
  if (key === 'additionalItems') return Array.isArray(schema['items']) ? [['items', each(value)]] : []
  if (key === 'exclusiveMinimum' || key === 'exclusiveMaximum') {
    if (typeof value === 'number') return [[key, value]]
    const limit = schema[key === 'exclusiveMinimum' ? 'minimum' : 'maximum']
    return value === true && typeof limit === 'number' ? [[key, limit]] : []
  }
  if (key === 'dependencies' && isSchemaObject(value)) return dependencies(value, each)
  if (ONE.has(key)) return [[key, each(value)]]
  if (LIST.has(key) && Array.isArray(value)) return [[key, value.map(each)]]
  if (MAP.has(key) && isSchemaObject(value)) {
    return [[key, recordOf(Object.entries(value).map(([name, inner]) => [name, each(inner)]))]]
  }
  // Keywords that came later say nothing here.
  return /^(\$dynamicRef|\$anchor|\$dynamicAnchor|dependentRequired|minContains|maxContains)$/.test(key)
    ? []
    : [[key, value]]
}

function dependencies(value: SchemaObject, each: (inner: unknown) => unknown): [string, unknown][] {
  const entries = Object.entries(value)
  return [
    ['dependentRequired', recordOf(entries.filter(([, inner]) => Array.isArray(inner)))],
    [
      'dependentSchemas',
      recordOf(entries.flatMap(([name, inner]) => (Array.isArray(inner) ? [] : [[name, each(inner)]]))),
    ],
  ]
}
