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

/** A schema can say by its `$schema` that it is 2019-09, too; none of the contracts that we read does. */
export type AnyDialect = Dialect | '2019-09'

/** What the `$schema` of a whole schema says; 2020-12 where there is none, or one that nobody knows. */
export function statedDialect(schema: JsonSchema): AnyDialect {
  const stated = isSchemaObject(schema) ? schema['$schema'] : undefined
  const [, version = ''] =
    /^https?:\/\/json-schema\.org\/(?:draft\/|draft-)?(.+?)\/schema#?$/.exec(String(stated)) ?? []
  if (version === '2019-09') return version
  // What draft-07 has more than these is what they do not know, and what nobody writes in them.
  return version === '04' || version === '06' || version === '07' ? 'draft-07' : '2020-12'
}

export function normalise(schema: JsonSchema, dialect: AnyDialect): JsonSchema {
  if (dialect === '2020-12' || !isSchemaObject(schema)) return schema
  // What stands beside a reference says nothing, except where other references look for it.
  const ignores = dialect !== '2019-09' && typeof schema['$ref'] === 'string'
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (ignores && key !== '$ref' && key !== 'definitions' && key !== '$defs') return []
    return keyword(key, value, schema, dialect)
  })
  const result = recordOf(entries)
  if (dialect !== 'openapi-3.0' || schema['nullable'] !== true || typeof result['type'] !== 'string') return result
  return { ...result, type: [result['type'], 'null'] }
}

function keyword(key: string, value: unknown, schema: SchemaObject, dialect: AnyDialect): [string, unknown][] {
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
  if (dialect === '2019-09') {
    // Within one document it leads where `$ref` does.
    return [[key === '$recursiveRef' && schema['$ref'] === undefined ? '$ref' : key, value]]
  }
  // draft-04 has `id`. Keywords that came later say nothing here.
  if (key === 'id' && typeof value === 'string' && schema['$id'] === undefined) return [['$id', value]]
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
