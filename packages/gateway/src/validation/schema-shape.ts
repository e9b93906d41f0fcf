import type { JsonSchema } from '@spandrel/contract'

type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object' | 'null'

/** What a parameter's text may stand for: looked up once, at start. */
export interface Shape {
  /** empty: the schema does not say */
  readonly types: ReadonlySet<JsonType>
  readonly items?: Shape
  readonly properties?: ReadonlyMap<string, Shape>
  /** of properties that are not named */
  readonly additional?: Shape
}

type Definitions = Readonly<Record<string, { readonly schema: JsonSchema }>>

/** Parameters are flat: two levels are all that any style can carry. */
const depth = 3

/** The shape of a schema, through references and compositions (a union of their members). */
export function shapeOf(schema: JsonSchema, definitions: Definitions, level = depth): Shape {
  const types = new Set<JsonType>()
  const properties = new Map<string, Shape>()
  let items: Shape | undefined
  let additional: Shape | undefined
  const seen = new Set<JsonSchema>()
  const look = (found: unknown): void => {
    if (typeof found !== 'object' || found === null || seen.has(found as JsonSchema)) return
    seen.add(found as JsonSchema)
    const at = found as Record<string, unknown>
    for (const type of typesOf(at)) types.add(type)
    if (level > 0) {
      if (at['items'] !== undefined) items ??= shapeOf(at['items'] as JsonSchema, definitions, level - 1)
      if (typeof at['additionalProperties'] === 'object') {
        additional ??= shapeOf(at['additionalProperties'] as JsonSchema, definitions, level - 1)
      }
      for (const [name, property] of Object.entries((at['properties'] ?? {}) as Record<string, JsonSchema>)) {
        if (!properties.has(name)) properties.set(name, shapeOf(property, definitions, level - 1))
      }
    }
    const reference = typeof at['$ref'] === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(at['$ref'])?.[1] : undefined
    if (reference !== undefined) look(definitions[reference]?.schema)
    for (const keyword of ['allOf', 'anyOf', 'oneOf'])
      for (const member of (at[keyword] ?? []) as unknown[]) look(member)
    for (const keyword of ['then', 'else']) look(at[keyword])
  }
  look(schema)
  return {
    types,
    ...(items !== undefined && { items }),
    ...(properties.size > 0 && { properties }),
    ...(additional !== undefined && { additional }),
  }
}

function typesOf(schema: Record<string, unknown>): JsonType[] {
  const { type } = schema
  if (typeof type === 'string') return [type as JsonType]
  if (Array.isArray(type)) return type as JsonType[]
  const values = Array.isArray(schema['enum'])
    ? schema['enum']
    : Object.hasOwn(schema, 'const')
      ? [schema['const']]
      : []
  return values.map((value: unknown): JsonType =>
    value === null ? 'null' : Array.isArray(value) ? 'array' : (typeof value as JsonType),
  )
}

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * The value a text stands for under a shape. A text that fits none of the shape's types stays a text, and the schema
 * then says what is wrong with it. Where a text is itself allowed, `12` and `true` stay texts only if no narrower type
 * is allowed too.
 */
export function coerce(text: string, shape: Shape | undefined): unknown {
  if (shape === undefined) return text
  const { types } = shape
  if ((types.has('number') || types.has('integer')) && number.test(text)) return Number(text)
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (types.has('null') && (text === 'null' || (text === '' && !types.has('string')))) return null
  return text
}
