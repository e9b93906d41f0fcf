/**
 * What a schema means in one half of an HTTP exchange. OpenAPI: a property that is `readOnly` does not occur in
 * requests, one that is `writeOnly` not in responses; `required` then holds for the other half only.
 */
import type { JsonSchema, NamedSchema } from '../../model/schema.ts'

type Named = Readonly<Record<string, NamedSchema>>
type Fields = Readonly<Record<string, unknown>>

export type Exchange = 'request' | 'response'

/** What is data in a schema, and no schema. */
const DATA = new Set(['enum', 'const', 'default', 'example', 'examples', 'required', 'x-example'])

/** The schemas of one side, read for one half. What has nothing of the kind is given back as it is. */
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
    return this.#walk(schema) as JsonSchema
  }

  #walk(value: unknown): unknown {
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#walk(item))
      return items.some((item, index) => item !== value[index]) ? items : value
    }
    if (!isFields(value)) return value
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const found = this.#fields(value)
    this.#known.set(value, found as JsonSchema)
    return found
  }

  #fields(schema: Fields): Fields {
    const changed: Record<string, unknown> = {}
    const absent = new Set<string>()
    for (const [key, value] of Object.entries(schema)) {
      if (DATA.has(key)) continue
      const now = key === 'properties' && isFields(value) ? this.#properties(value, absent) : this.#walk(value)
      if (now !== value) changed[key] = now
    }
    const { required } = schema
    if (absent.size > 0 && Array.isArray(required)) {
      changed['required'] = required.filter((name) => !absent.has(String(name)))
    }
    return Object.keys(changed).length === 0 ? schema : { ...schema, ...changed }
  }

  #properties(properties: Fields, absent: Set<string>): Fields {
    const found = Object.entries(properties).flatMap(([name, value]): [string, unknown][] => {
      if (!this.#doesNotOccur(value)) return [[name, this.#walk(value)]]
      absent.add(name)
      // Readers of answers take what they do not know; who takes a request ignores or refuses what may not be set.
      return this.#exchange === 'response' && this.#reads ? [] : [[name, false]]
    })
    if (absent.size === 0 && found.every(([name, value]) => value === properties[name])) return properties
    return Object.fromEntries(found)
  }

  #doesNotOccur(schema: unknown): boolean {
    const flag = this.#exchange === 'request' ? 'readOnly' : 'writeOnly'
    let current = schema
    for (let hops = 0; hops < 20 && isFields(current); hops++) {
      if (current[flag] === true) return true
      const reference: unknown = current['$ref']
      const name = typeof reference === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(reference)?.[1] : undefined
      current =
        name === undefined ? undefined : this.#original[name.replaceAll('~1', '/').replaceAll('~0', '~')]?.schema
    }
    return false
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
