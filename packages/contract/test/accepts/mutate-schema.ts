/** Single changes to a schema, each with a name and a direction: the same instances and fewer, or more. */
import type { JsonSchema } from '../../src/model/schema.ts'
import { isSchema, isSchemaObject, type SchemaObject } from '../../src/generate/schema-keywords.ts'

export interface SchemaMutation {
  readonly name: string
  readonly direction: 'narrower' | 'wider' | 'either'
  readonly schema: JsonSchema
}

const ONE = ['items', 'additionalProperties', 'contains', 'propertyNames', 'then', 'else']
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const MAP = ['properties', 'patternProperties', 'dependentSchemas']

/**
 * All of them at every place inside the schema, whatever they come to; not inside `if` and `not`, which turn directions
 * round. Inside `oneOf` there is no direction: an instance may come to satisfy two alternatives, or no longer do so.
 */
export function* mutationsOf(schema: JsonSchema): Generator<SchemaMutation> {
  if (!isSchemaObject(schema)) return
  yield* here(schema)
  for (const key of ONE) {
    const inner = schema[key]
    if (isSchema(inner)) yield* inside(inner, (changed) => ({ ...schema, [key]: changed }))
  }
  for (const key of LIST) {
    const inner = schema[key]
    if (!Array.isArray(inner)) continue
    for (const [index, each] of inner.entries()) {
      if (!isSchema(each)) continue
      for (const mutation of inside(each, (changed) => ({ ...schema, [key]: inner.with(index, changed) }))) {
        yield key === 'oneOf' ? { ...mutation, direction: 'either' } : mutation
      }
    }
  }
  for (const key of MAP) {
    const inner = schema[key]
    if (!isSchemaObject(inner)) continue
    for (const [name, each] of Object.entries(inner)) {
      if (isSchema(each)) yield* inside(each, (changed) => ({ ...schema, [key]: { ...inner, [name]: changed } }))
    }
  }
}

function* inside(inner: JsonSchema, around: (changed: JsonSchema) => JsonSchema): Generator<SchemaMutation> {
  for (const mutation of mutationsOf(inner)) yield { ...mutation, schema: around(mutation.schema) }
}

function* here(schema: SchemaObject): Generator<SchemaMutation> {
  const narrower = (name: string, changes: SchemaObject): SchemaMutation => ({
    name,
    direction: 'narrower',
    schema: { ...schema, ...changes },
  })
  const wider = (name: string, ...keys: string[]): SchemaMutation => ({
    name,
    direction: 'wider',
    schema: Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key))),
  })
  const { type, properties, required } = schema
  const types = Array.isArray(type) ? type : [type]
  if (typeof schema['$ref'] === 'string') yield wider('drop reference', '$ref')
  if (type !== undefined) yield wider('drop type', 'type')
  if (typeof type === 'string') yield { ...wider('add null'), schema: { ...schema, type: [type, 'null'] } }
  if (types.length > 1) yield narrower('drop a type', { type: types.slice(1) })
  if (types.includes('string')) {
    const { minLength = 0, maxLength = 100 } = schema
    yield narrower('raise minLength', { minLength: Number(minLength) + 1 })
    yield narrower('lower maxLength', { maxLength: Math.max(0, Number(maxLength) - 1) })
    if (schema['pattern'] === undefined) yield narrower('add pattern', { pattern: '^[a-z]' })
    if (schema['format'] === undefined) yield narrower('add format', { format: 'date' })
  }
  for (const key of [
    'format',
    'pattern',
    'minLength',
    'maxLength',
    'minimum',
    'maximum',
    'enum',
    'required',
    'const',
  ]) {
    if (schema[key] !== undefined) yield wider(`drop ${key}`, key)
  }
  if (types.includes('integer') || types.includes('number')) {
    yield narrower('raise minimum', { minimum: Number(schema['minimum'] ?? 0) + 1 })
    yield narrower('lower maximum', { maximum: Number(schema['maximum'] ?? 1000) - 1 })
    yield narrower('add multipleOf', { multipleOf: 0.5, not: { const: 1 } })
  }
  if (Array.isArray(schema['enum']) && schema['enum'].length > 1) {
    yield narrower('drop enum value', { enum: schema['enum'].slice(1) })
    yield { ...wider('add enum value'), schema: { ...schema, enum: [...schema['enum'], 'a new value'] } }
  }
  if (isSchemaObject(properties)) {
    const names = Object.keys(properties)
    const optional = names.find((name) => !(Array.isArray(required) && required.includes(name)))
    if (optional !== undefined) {
      yield narrower('require a property', { required: [...(Array.isArray(required) ? required : []), optional] })
    }
    if (schema['additionalProperties'] === undefined) yield narrower('close object', { additionalProperties: false })
    yield narrower('forbid a property', { properties: { ...properties, [names[0] ?? 'x']: false } })
    yield narrower('add minProperties', { minProperties: names.length + 1 })
  }
  if (types.includes('array')) {
    yield narrower('add minItems', { minItems: Number(schema['minItems'] ?? 0) + 1 })
    yield narrower('add maxItems', { maxItems: Number(schema['maxItems'] ?? 10) - 1 })
    yield narrower('add uniqueItems', { uniqueItems: true })
  }
  for (const key of ['anyOf', 'oneOf']) {
    const inner = schema[key]
    if (!Array.isArray(inner) || inner.length < 2) continue
    const mutation = narrower(`drop alternative of ${key}`, { [key]: inner.slice(1) })
    yield key === 'oneOf' ? { ...mutation, direction: 'either' } : mutation
  }
}
