import type { SourceLocation } from './location.ts'

/**
 * Plain JSON Schema 2020-12, whatever the document was written in: OpenAPI 3.0's `nullable` and boolean
 * `exclusiveMinimum`, draft-07's tuple `items`, `definitions` and `dependencies` are rewritten.
 * The only `$ref` form left is `#/$defs/<Name>`, which names an entry of the owning service's `schemas`.
 */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/**
 * A schema where it is used.
 *
 * For the generator: `ajv.compile({ ...schema, $defs: service.schemas })` (or register `service.schemas` once) checks
 * it; a `$ref: '#/$defs/Order'` is the named type `Order`. References may be recursive; they are never inlined.
 * `service` is always the service that *declared* the schema: for a `use`, the provider.
 */
export interface Schema {
  readonly schema: JsonSchema
  readonly location: SourceLocation
}

/** A named schema of a service: the target of `#/$defs/<name>`. */
export interface NamedSchema extends Schema {
  /** an identifier that is unique in the service, from the last meaningful step of its pointer */
  readonly name: string
}
