import { createHash } from 'node:crypto'
import type { JsonSchema } from '../model/schema.ts'
import type { Named } from './look-through.ts'

/** Members that hold schemas, and say what a value looks like. `not` and conditions say what it must not be. */
const inner = ['items', 'additionalProperties', 'contains'] as const
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const
const maps = ['properties', 'patternProperties'] as const

/** References are followed that many times; two schemas that differ only deeper than that count as alike. */
const DEPTH = 16

type Part = string | Shape | { readonly ref: string }
type Shape = readonly Part[]

/**
 * What schemas of one service look like: names of properties and their JSON types, at every depth. Two are alike where
 * their digests are equal, in whatever documents they stand. Texts, examples, bounds, patterns, formats, `required` and
 * null make no difference: copies are retouched.
 */
export class Likeness {
  readonly #named: Named
  readonly #shapes = new Map<JsonSchema, Shape>()
  #digests: ReadonlyMap<string, string> | undefined

  constructor(named: Named) {
    this.#named = named
  }

  digest(schema: JsonSchema): string {
    return hashed(this.#shape(schema), this.#ofNames())
  }

  /** The schemas directly in a schema, and the one it refers to. */
  within(schema: JsonSchema): readonly JsonSchema[] {
    if (typeof schema === 'boolean') return []
    const target = targetOf(schema)
    return [
      ...inner.flatMap((member) => asSchemas([schema[member]])),
      ...lists.flatMap((member) => asSchemas(schema[member])),
      ...maps.flatMap((member) => asSchemas(Object.values(schema[member] ?? {}))),
      ...asSchemas([target === undefined ? undefined : this.#named[target]?.schema]),
    ]
  }

  #shape(schema: JsonSchema): Shape {
    const known = this.#shapes.get(schema)
    if (known !== undefined) return known
    const shape = typeof schema === 'boolean' ? [String(schema)] : this.#parts(schema)
    this.#shapes.set(schema, shape)
    return shape
  }

  #parts(schema: Exclude<JsonSchema, boolean>): Shape {
    const target = targetOf(schema)
    const alternatives = lists.flatMap((member) => {
      const members = asSchemas(schema[member]).filter((one) => !isNull(one))
      return members.length === 0 ? [] : [{ member, members }]
    })
    const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
    const own = 'properties' in schema || inner.some((member) => member in schema) || 'patternProperties' in schema
    const [only, ...others] = alternatives
    // `allOf: [X]` is how OpenAPI 3.0 puts a text beside a reference; `anyOf: [X, null]` is X or nothing.
    if (!own && target === undefined && others.length === 0 && only?.members.length === 1) {
      return only.members.map((one) => this.#shape(one))
    }
    if (!own && target !== undefined && only === undefined) return [{ ref: target }]
    const types = [schema['type']].flat().filter((type) => typeof type === 'string' && type !== 'null')
    return [
      own && 'properties' in schema ? 'object' : types.map(String).toSorted().join('|'),
      ...(target === undefined ? [] : [{ ref: target }]),
      ...sorted(properties).flatMap(([name, one]): Part[] => [` ${JSON.stringify(name)}:`, this.#shape(one)]),
      ...sorted(Object.entries((schema['patternProperties'] ?? {}) as Record<string, JsonSchema>)).flatMap(
        ([name, one]): Part[] => [` /${JSON.stringify(name)}:`, this.#shape(one)],
      ),
      ...inner.flatMap((member): Part[] => {
        const one = schema[member] as JsonSchema | undefined
        return one === undefined || typeof one === 'boolean' ? [] : [` ${member}:`, this.#shape(one)]
      }),
      ...alternatives.flatMap(({ member, members }): Part[] => [
        ` ${member}:`,
        ...members.flatMap((one): Part[] => [this.#shape(one), ',']),
      ]),
    ]
  }

  /** Digests of all named schemas, refined until none changes: circles of references never end otherwise. */
  #ofNames(): ReadonlyMap<string, string> {
    if (this.#digests !== undefined) return this.#digests
    let digests = new Map<string, string>()
    const shapes = Object.entries(this.#named).map(([name, { schema }]) => [name, this.#shape(schema)] as const)
    for (let round = 0; round < DEPTH; round++) {
      const before = digests
      digests = new Map(shapes.map(([name, shape]) => [name, hashed(shape, before)]))
      if (shapes.every(([name]) => digests.get(name) === before.get(name))) break
    }
    this.#digests = digests
    return digests
  }
}

function hashed(shape: Shape, digests: ReadonlyMap<string, string>): string {
  const [only, ...others] = shape
  if (typeof only === 'object' && others.length === 0) {
    return 'ref' in only ? (digests.get(only.ref) ?? '') : hashed(only, digests)
  }
  const hash = createHash('sha256')
  for (const part of shape) {
    if (typeof part === 'string') hash.update(part)
    else hash.update('ref' in part ? (digests.get(part.ref) ?? '') : hashed(part, digests))
  }
  return hash.digest('base64')
}

function targetOf(schema: Exclude<JsonSchema, boolean>): string | undefined {
  const reference = schema['$ref']
  return typeof reference === 'string' ? reference.slice('#/$defs/'.length) : undefined
}

function isNull(schema: JsonSchema): boolean {
  return typeof schema === 'object' && (schema['type'] === 'null' || schema['const'] === null)
}

function asSchemas(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.filter((one) => one !== undefined) : []
}

function sorted<T>(entries: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
}
