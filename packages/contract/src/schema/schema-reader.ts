import type { Findings } from '../findings/findings.ts'
import { nearest } from '../findings/nearest.ts'
import { optional } from '../model/optional.ts'
import type { JsonSchema, NamedSchema, Schema } from '../model/schema.ts'
import { field, listAt, placeOf, plain, text } from '../source/node.ts'
import type { MapNode, Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialect.ts'
import { discriminatorOf, withInherited } from './discriminator.ts'
import { unicodePattern } from './pattern.ts'
import { dialectOfFormat, unreadSchema } from './schema-format.ts'
import { schemaName } from './schema-name.ts'

const single = new Set(
  'additionalProperties not if then else contains propertyNames unevaluatedItems unevaluatedProperties contentSchema'.split(
    ' ',
  ),
)
const lists = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const maps = new Set(['properties', 'patternProperties', 'dependentSchemas'])
const values = new Set(
  (
    'type enum const default examples title description deprecated readOnly writeOnly format required multipleOf ' +
    'maximum minimum maxLength minLength maxItems minItems uniqueItems maxContains minContains maxProperties ' +
    'minProperties dependentRequired contentEncoding contentMediaType $comment'
  ).split(' '),
)

/**
 * Reads the schemas of one service into 2020-12, in one space of names. What a `$ref` points at becomes a named schema,
 * once, whichever document refers to it; recursion is kept as references.
 */
export class SchemaReader {
  readonly #sources: Sources
  readonly #findings: Findings
  readonly #names = new Map<Node, string>()
  readonly #named = new Map<string, NamedSchema>()
  /** Targets still to be read: long chains of references must not become deep stacks. */
  readonly #queue: { name: string; node: Node; dialect: Dialect }[] = []
  #working = false
  #whole: { readonly size: number; readonly named: Readonly<Record<string, NamedSchema>> } | undefined

  constructor(sources: Sources, findings: Findings) {
    this.#sources = sources
    this.#findings = findings
  }

  read(node: Node, dialect: Dialect): Schema {
    const schema = this.#convert(node, dialect)
    this.#drain()
    const unread = dialect === 'draft-07' ? unreadSchema(node, this.#sources) : undefined
    return { schema, location: node.at, ...optional('unread', unread) }
  }

  /** By name, in the order first met. */
  get named(): Readonly<Record<string, NamedSchema>> {
    // Asked for by every part of a document, and the same until something more was read.
    if (this.#whole?.size !== this.#named.size)
      this.#whole = { size: this.#named.size, named: withInherited(this.#named) }
    return this.#whole.named
  }

  #drain(): void {
    if (this.#working) return
    this.#working = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { name, node, dialect } = next
      this.#named.set(name, { name, schema: this.#convert(node, dialect), location: placeOf(node) })
    }
    this.#working = false
  }

  #convert(node: Node, dialect: Dialect): JsonSchema {
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value
    // Anything else that is no object was reported by the structure check.
    if (node.kind !== 'map') return true
    if (dialect === 'draft-07' && node.entries.has('schemaFormat')) return this.#otherFormat(node)
    const reference =
      text(field(node, '$ref')) ?? (dialect === '2020-12' ? text(field(node, '$dynamicRef')) : undefined)
    if (reference === undefined) return this.#keywords(node, dialect)
    const target = this.#reference(reference, node, dialect)
    if (target === undefined) return true
    return dialect === '2020-12' ? { $ref: target, ...this.#keywords(node, dialect) } : { $ref: target }
  }

  #reference(reference: string, from: MapNode, dialect: Dialect): string | undefined {
    const at = (field(from, '$ref') ?? field(from, '$dynamicRef') ?? from).at
    const target = this.#sources.resolve(reference, at)
    if (target === undefined || this.#cyclic(target, at)) return undefined
    let name = this.#names.get(target)
    if (name === undefined) {
      name = this.#free(schemaName(target.at), dialect)
      this.#names.set(target, name)
      // Holds the place, so that names keep the order in which they were met.
      this.#named.set(name, { name, schema: true, location: placeOf(target) })
      const root = target.at.file === from.at.file ? undefined : this.#sources.open(target.at.file, at)
      this.#queue.push({ name, node: target, dialect: root === undefined ? dialect : dialectOf(root, dialect) })
    }
    return `#/$defs/${name}`
  }

  /** References that lead only to references, and back: they describe nothing, and validators never end on them. */
  #cyclic(start: Node, at: Node['at']): boolean {
    const seen = new Set<Node>()
    let node: Node | undefined = start
    while (node !== undefined) {
      if (seen.has(node)) {
        const hint = 'let one of them be a schema'
        this.#findings.error(at, 'reference-cycle', 'this reference leads back to itself without any schema', hint)
        return true
      }
      seen.add(node)
      const next: Node | undefined = field(node, '$ref')
      const reference = text(next)
      node = next !== undefined && reference !== undefined ? this.#sources.resolve(reference, next.at) : undefined
    }
    return false
  }

  /** `Order` of an OpenAPI and `Order` of an AsyncAPI document are two types: the second is `OrderMessage`. */
  #free(name: string, dialect: Dialect): string {
    const names = dialect === 'draft-07' ? [name, `${name}Message`] : [name]
    const found = names.find((candidate) => !this.#named.has(candidate))
    if (found !== undefined) return found
    for (let number = 2; ; number++) {
      if (!this.#named.has(`${name}${number}`)) return `${name}${number}`
    }
  }

  /** AsyncAPI's multi-format schema. Formats that are JSON Schema are read, others are taken as "anything". */
  #otherFormat(node: MapNode): JsonSchema {
    const format = field(node, 'schemaFormat')
    const schema = field(node, 'schema')
    const name = text(format) ?? ''
    if (schema === undefined) return true
    const dialect = dialectOfFormat(name)
    if (dialect !== undefined) return this.#convert(schema, dialect)
    const message = `schemas in \`${name}\` are not read; any payload is accepted`
    this.#findings.warning(format?.at ?? node.at, 'schema-format', message, 'describe it by JSON Schema')
    return true
  }

  #keywords(node: MapNode, dialect: Dialect): Record<string, unknown> {
    const result: [string, unknown][] = []
    for (const [key, { value }] of node.entries) {
      if (single.has(key)) result.push([key, this.#convert(value, dialect)])
      else if (lists.has(key) && value.kind === 'list') {
        result.push([key, value.items.map((item) => this.#convert(item, dialect))])
      } else if (maps.has(key)) result.push([key, this.#map(value, dialect)])
      else if (values.has(key)) result.push([key, plain(value)])
      else result.push(...this.#special(key, value, node, dialect))
    }
    const schema = Object.fromEntries(result)
    const discriminator = node.entries.has('discriminator') ? discriminatorOf(node, schema) : undefined
    if (discriminator !== undefined) schema['discriminator'] = discriminator
    requiredIsDeclared(node, this.#findings)
    if (dialect !== 'openapi-3.0') return schema
    listWithoutItems(schema, node, this.#findings)
    return nullable(schema, node, this.#findings)
  }

  #map(node: Node, dialect: Dialect): Record<string, JsonSchema> {
    if (node.kind !== 'map') return {}
    return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, this.#convert(value, dialect)]))
  }

  /** Keywords whose 2020-12 form is another one; those that are none in 2020-12 are left out. */
  #special(key: string, value: Node, node: MapNode, dialect: Dialect): [string, unknown][] {
    switch (key) {
      case 'pattern':
        return this.#pattern(value)
      case 'items':
        if (value.kind !== 'list') return [['items', this.#convert(value, dialect)]]
        return [['prefixItems', value.items.map((item) => this.#convert(item, dialect))]]
      case 'additionalItems':
        // Means something only beside a tuple, and is `items` there.
        return field(node, 'items')?.kind === 'list' ? [['items', this.#convert(value, dialect)]] : []
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
        return exclusive(key, value, node)
      case 'example':
        return node.entries.has('examples') ? [] : [['examples', [plain(value)]]]
      case 'dependencies':
        return this.#dependencies(value, dialect)
      default:
        return []
    }
  }

  #dependencies(value: Node, dialect: Dialect): [string, unknown][] {
    const entries = value.kind === 'map' ? [...value.entries] : []
    const keys = entries.filter(([, entry]) => entry.value.kind === 'list')
    const schemas = entries.filter(([, entry]) => entry.value.kind !== 'list')
    return [
      ['dependentRequired', Object.fromEntries(keys.map(([key, entry]) => [key, plain(entry.value)]))],
      [
        'dependentSchemas',
        Object.fromEntries(schemas.map(([key, entry]) => [key, this.#convert(entry.value, dialect)])),
      ],
    ]
  }

  #pattern(value: Node): [string, unknown][] {
    const written = text(value)
    if (written === undefined) return []
    const pattern = unicodePattern(written)
    if (pattern === undefined) {
      const message = `\`pattern: ${written.slice(0, 60)}\` is not a regular expression`
      this.#findings.error(value.at, 'wrong-pattern', message, 'correct it; the syntax is that of JavaScript, with `u`')
      return []
    }
    return [['pattern', pattern]]
  }
}

/** Booleans in OpenAPI 3.0, where they change `minimum`; numbers everywhere else. */
function exclusive(key: 'exclusiveMinimum' | 'exclusiveMaximum', value: Node, node: MapNode): [string, unknown][] {
  const found = plain(value)
  if (typeof found === 'number') return [[key, found]]
  const limit = field(node, key === 'exclusiveMinimum' ? 'minimum' : 'maximum')
  return found === true && limit !== undefined ? [[key, plain(limit)]] : []
}

/** JSON Schema lets `required` name anything; a name that is almost a property is a mistake. */
function requiredIsDeclared(node: MapNode, findings: Findings): void {
  const properties = field(node, 'properties')
  if (properties?.kind !== 'map') return
  for (const item of listAt(node, 'required')) {
    const name = text(item)
    if (name === undefined || properties.entries.has(name)) continue
    const meant = nearest(name, properties.entries.keys(), 2)
    if (meant === undefined) continue
    const message = `\`${name}\` is required, and is no property`
    findings.warning(item.at, 'unknown-property', message, `did you mean \`${meant}\`?`)
  }
}

/** "`items` MUST be present if the `type` is `array`" (OAS 3.0, Schema Object); 3.1 takes anything there. */
function listWithoutItems(schema: Record<string, unknown>, node: MapNode, findings: Findings): void {
  const type = field(node, 'type')
  if (type === undefined || schema['type'] !== 'array' || 'items' in schema) return
  findings.warning(type.at, 'missing-member', 'a list without `items`', 'add `items`; `{}` for anything')
}

/** `nullable: true` adds null to `type`. Without `type` it says nothing, and with `enum` null must be listed (OAS 3.0.4). */
function nullable(schema: Record<string, unknown>, node: MapNode, findings: Findings): Record<string, unknown> {
  const flag = field(node, 'nullable')
  if (flag?.kind !== 'scalar' || flag.value !== true) return schema
  if (typeof schema['type'] !== 'string') {
    const hint = 'put `type` beside it, or write the null case as an alternative'
    findings.warning(flag.at, 'nullable-without-type', '`nullable` without `type` beside it has no effect', hint)
    return schema
  }
  return { ...schema, type: [schema['type'], 'null'] }
}
