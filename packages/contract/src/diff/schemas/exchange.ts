import type { JsonSchema, NamedSchema } from '../../model/schema.ts'
import { isSchemaObject, type SchemaObject } from '../../generate/schema-keywords.ts'
import { absentMembers, type Exchange, mapParts, none, stillRequired, withAbsent } from '../../schema/exchange.ts'

type Named = Readonly<Record<string, NamedSchema>>

/** The schemas of one side, read for one half of an exchange. What has nothing of the kind is given back as it is. */
export class ExchangeSchemas {
  readonly #exchange: Exchange
  readonly #reads: boolean
  readonly #original: Named
  readonly #known = new WeakMap<object, JsonSchema>()
  /** the named schemas, read for this half */
  readonly named: Named

  /** `reads`: this side is the one that the data is held against */
  constructor(exchange: Exchange, reads: boolean, named: Named) {
    this.#exchange = exchange
    this.#reads = reads
    this.#original = named
    this.named = Object.fromEntries(
      Object.entries(named).map(([name, one]) => {
        const schema = this.of(one.schema)
        return [name, schema === one.schema ? one : { ...one, schema }]
      }),
    )
  }

  of(schema: JsonSchema): JsonSchema {
    return this.#turned(schema, none)
  }

  #turned(schema: JsonSchema, outer: ReadonlySet<string>): JsonSchema {
    if (!isSchemaObject(schema)) return schema
    const known = outer.size === 0 ? this.#known.get(schema) : undefined
    if (known !== undefined) return known
    const found = this.#read(schema, outer)
    if (outer.size === 0) this.#known.set(schema, found)
    return found
  }

  #read(schema: SchemaObject, outer: ReadonlySet<string>): JsonSchema {
    const absent = absentMembers(schema, this.#exchange, this.#original, outer)
    let changed = false
    const result = mapParts(schema, absent, (inner, same) => {
      const now = this.#turned(inner, same)
      changed ||= now !== inner
      return now
    })
    const required = stillRequired(schema, absent)
    // Readers of answers take what they do not know; who takes a request ignores or refuses what may not be set.
    const dropped = this.#exchange === 'response' && this.#reads
    const properties = withAbsent(result['properties'], absent, (name) => (dropped ? [] : [[name, false]]))
    if (!changed && required === undefined && properties === undefined) return schema
    return { ...result, ...(required && { required }), ...(properties && { properties }) }
  }
}
