import type { JsonSchema, NamedSchema } from '../model/schema.ts'

/** Looking into schemas without validating anything: through references and `allOf`, quiet where it cannot know. */

export type Named = Readonly<Record<string, Pick<NamedSchema, 'schema'>>>

type ObjectSchema = Exclude<JsonSchema, boolean>

/** A schema and everything that applies together with it. */
export function parts(schema: JsonSchema, named: Named, seen = new Set<JsonSchema>()): ObjectSchema[] {
  if (typeof schema === 'boolean' || seen.has(schema)) return []
  seen.add(schema)
  const found: ObjectSchema[] = [schema]
  if (typeof schema['$ref'] === 'string') {
    const target = named[schema['$ref'].slice('#/$defs/'.length)]
    if (target !== undefined) found.push(...parts(target.schema, named, seen))
  }
  if (Array.isArray(schema['allOf'])) {
    for (const part of schema['allOf'] as JsonSchema[]) found.push(...parts(part, named, seen))
  }
  return found
}

export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object'

/** The one JSON type of a value beside null; `undefined` where the schema leaves it open. */
export function typeOf(schema: JsonSchema, named: Named): JsonType | undefined {
  for (const part of parts(schema, named)) {
    const types = [part['type']].flat().filter((type) => typeof type === 'string' && type !== 'null')
    if (types.length === 1) return types[0] as JsonType
    const values = Array.isArray(part['enum']) ? part['enum'] : 'const' in part ? [part['const']] : []
    const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value))
    const [kind] = kinds
    if (kinds.size === 1 && (kind === 'string' || kind === 'number' || kind === 'boolean')) return kind
  }
  return undefined
}

export function itemsOf(schema: JsonSchema, named: Named): JsonSchema | undefined {
  return parts(schema, named).find((part) => part['items'] !== undefined)?.['items'] as JsonSchema | undefined
}

export type Lookup =
  | { found: true; schema: JsonSchema }
  /** the schema names its properties, and this is none of them */
  | { found: false; missing: string; properties: readonly string[] }
  | { found: 'unknown' }

/** Whether a value of the schema can have something at a pointer. */
export function lookUp(schema: JsonSchema, pointer: readonly string[], named: Named): Lookup {
  let current = schema
  for (const step of pointer) {
    const all = parts(current, named)
    const properties = new Map<string, JsonSchema>()
    for (const part of all) {
      for (const [name, property] of Object.entries(part['properties'] ?? {}))
        properties.set(name, property as JsonSchema)
    }
    const next = properties.get(step)
    if (next === undefined) {
      const open = all.some((part) =>
        ['anyOf', 'oneOf', 'if', 'patternProperties', 'prefixItems', 'items'].some((keyword) => keyword in part),
      )
      const typed = all.some((part) => typeof part['additionalProperties'] === 'object')
      if (open || typed || properties.size === 0) return { found: 'unknown' }
      return { found: false, missing: step, properties: [...properties.keys()] }
    }
    current = next
  }
  return { found: true, schema: current }
}

/** The properties of an object, those of `allOf` and references included. */
export function propertiesOf(schema: JsonSchema, named: Named): ReadonlyMap<string, JsonSchema> {
  const found = new Map<string, JsonSchema>()
  for (const part of parts(schema, named)) {
    for (const [name, property] of Object.entries(part['properties'] ?? {})) found.set(name, property as JsonSchema)
  }
  return found
}
