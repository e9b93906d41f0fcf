/** Takes a schema (2020-12) apart. Annotations and keywords with values of the wrong kind say nothing. */
import type { JsonSchema } from '../model/schema.ts'
import { isSchema } from '../generate/schema-keywords.ts'
import type { Part, PartShape } from './part.ts'
import type { SchemaNode } from './schema-node.ts'
import { ANY, ARRAY, FRACTION, isRecord, NUMBER, OBJECT, STRING, typesNamed } from './value.ts'

type Make = (keyword: string, types: number, shape: PartShape, ...steps: (string | number)[]) => void
type Schema = Readonly<Record<string, unknown>>

export function partsOf(node: SchemaNode): readonly Part[] {
  const parts: Part[] = []
  const make: Make = (keyword, types, shape, ...steps) => {
    const id = node.document.ids.next()
    parts.push({ ...shape, id, owner: node, keyword, types, steps: [keyword, ...steps.map(String)] } as Part)
  }
  const { schema } = node
  if (schema === true) return parts
  if (schema === false) {
    const id = node.document.ids.next()
    return [{ kind: 'never', id, owner: node, keyword: 'false', types: ANY, steps: [] }]
  }
  references(node, schema, make)
  values(schema, make)
  numbers(schema, make)
  strings(schema, make)
  objects(node, schema, make)
  arrays(node, schema, make)
  combinations(node, schema, make)
  for (const keyword of ['unevaluatedProperties', 'unevaluatedItems'] as const) {
    const inner = schema[keyword]
    if (!isSchema(inner)) continue
    const types = keyword === 'unevaluatedItems' ? ARRAY : OBJECT
    make(keyword, types, { kind: keyword, of: node, node: node.child(inner, keyword) })
  }
  return parts
}

function references(node: SchemaNode, schema: Schema, make: Make): void {
  for (const keyword of ['$ref', '$dynamicRef'] as const) {
    const reference = schema[keyword]
    if (typeof reference !== 'string') continue
    const target = node.document.resolve(node, reference, keyword)
    if ('reason' in target) make(keyword, ANY, { kind: 'opaque', ...target })
    else make(keyword, ANY, { kind: 'all', node: target })
  }
}

function values(schema: Schema, make: Make): void {
  if ('type' in schema) {
    const mask = typesNamed(schema['type'])
    make('type', ANY & ~mask, { kind: 'type', mask })
  }
  if (Array.isArray(schema['enum'])) make('enum', ANY, { kind: 'enum', values: schema['enum'] })
  if ('const' in schema) make('const', ANY, { kind: 'enum', values: [schema['const']] })
}

function numbers(schema: Schema, make: Make): void {
  const number = (keyword: string, then: (value: number) => void): void => {
    const value = schema[keyword]
    if (typeof value === 'number' && Number.isFinite(value)) then(value)
  }
  for (const kind of ['minimum', 'maximum'] as const) {
    const exclusive = kind === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'
    number(kind, (limit) => make(kind, NUMBER, { kind, limit, exclusive: false }))
    number(exclusive, (limit) => make(exclusive, NUMBER, { kind, limit, exclusive: true }))
  }
  number('multipleOf', (of) => {
    if (of > 0) make('multipleOf', of === 1 ? FRACTION : NUMBER, { kind: 'multipleOf', of })
  })
}

function strings(schema: Schema, make: Make): void {
  counts(schema, STRING, ['minLength', 'maxLength'], make)
  const { pattern, format } = schema
  if (typeof pattern === 'string') make('pattern', STRING, { kind: 'pattern', pattern })
  if (typeof format === 'string') make('format', STRING | NUMBER, { kind: 'format', format })
}

type Counting = 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties'

function counts(schema: Schema, types: number, kinds: readonly Counting[], make: Make): void {
  for (const kind of kinds) {
    const count = schema[kind]
    if (typeof count !== 'number' || (kind.startsWith('min') && count <= 0)) continue
    make(kind, types, { kind, count })
  }
}

function objects(node: SchemaNode, schema: Schema, make: Make): void {
  const { required, additionalProperties, propertyNames, dependentRequired } = schema
  if (Array.isArray(required)) {
    for (const [index, name] of required.entries()) make('required', OBJECT, { kind: 'required', name }, index)
  }
  const properties = schemasIn(schema['properties'])
  const patterns = schemasIn(schema['patternProperties'])
  for (const [name, inner] of properties) {
    const child = node.child(inner, 'properties', name)
    make('properties', OBJECT, { kind: 'property', name, node: child }, name)
  }
  for (const [pattern, inner] of patterns) {
    const child = node.child(inner, 'patternProperties', pattern)
    make('patternProperties', OBJECT, { kind: 'patternProperty', pattern, node: child }, pattern)
  }
  if (isSchema(additionalProperties)) {
    make('additionalProperties', OBJECT, {
      kind: 'additional',
      names: new Set(properties.map(([name]) => name)),
      patterns: patterns.map(([pattern]) => pattern),
      node: node.child(additionalProperties, 'additionalProperties'),
    })
  }
  if (isSchema(propertyNames)) {
    make('propertyNames', OBJECT, { kind: 'propertyNames', node: node.child(propertyNames, 'propertyNames') })
  }
  counts(schema, OBJECT, ['minProperties', 'maxProperties'], make)
  if (isRecord(dependentRequired)) {
    for (const [name, needs] of Object.entries(dependentRequired)) {
      if (!Array.isArray(needs)) continue
      make('dependentRequired', OBJECT, { kind: 'dependentRequired', name, needs: needs.map(String) }, name)
    }
  }
  for (const [name, inner] of schemasIn(schema['dependentSchemas'])) {
    const child = node.child(inner, 'dependentSchemas', name)
    make('dependentSchemas', OBJECT, { kind: 'dependentSchema', name, node: child }, name)
  }
}

function arrays(node: SchemaNode, schema: Schema, make: Make): void {
  const { items, contains, uniqueItems, minContains, maxContains } = schema
  const prefix = schemaList(schema['prefixItems'])
  for (const [index, inner] of prefix.entries()) {
    const child = node.child(inner, 'prefixItems', index)
    make('prefixItems', ARRAY, { kind: 'prefixItem', index, node: child }, index)
  }
  if (isSchema(items)) make('items', ARRAY, { kind: 'items', from: prefix.length, node: node.child(items, 'items') })
  if (isSchema(contains)) {
    const min = typeof minContains === 'number' ? minContains : 1
    const max = typeof maxContains === 'number' ? maxContains : Number.POSITIVE_INFINITY
    make('contains', ARRAY, { kind: 'contains', node: node.child(contains, 'contains'), min, max })
  }
  counts(schema, ARRAY, ['minItems', 'maxItems'], make)
  if (uniqueItems === true) make('uniqueItems', ARRAY, { kind: 'uniqueItems' })
}

function combinations(node: SchemaNode, schema: Schema, make: Make): void {
  for (const [index, inner] of schemaList(schema['allOf']).entries()) {
    make('allOf', ANY, { kind: 'all', node: node.child(inner, 'allOf', index) }, index)
  }
  for (const [keyword, kind] of [
    ['anyOf', 'any'],
    ['oneOf', 'one'],
  ] as const) {
    const inner = schemaList(schema[keyword])
    if (inner.length === 0) continue
    make(keyword, ANY, { kind, nodes: inner.map((each, index) => node.child(each, keyword, index)) })
  }
  if (isSchema(schema['not'])) make('not', ANY, { kind: 'not', node: node.child(schema['not'], 'not') })
  const condition = schema['if']
  if (!isSchema(condition)) return
  const branch = (keyword: 'then' | 'else'): SchemaNode | undefined =>
    isSchema(schema[keyword]) ? node.child(schema[keyword], keyword) : undefined
  const [whenTrue, whenFalse] = [branch('then'), branch('else')]
  const shape = { kind: 'if', condition: node.child(condition, 'if'), whenTrue, whenFalse } as const
  make('if', ANY, shape)
}

function schemasIn(value: unknown): [string, JsonSchema][] {
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => (isSchema(inner) ? [[name, inner]] : []))
}

function schemaList(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : []
}
