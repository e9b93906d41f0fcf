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
  /** it is written in another language, which is not read: then `schema` is `true`, and says nothing */
  readonly unread?: UnreadSchema
}

/** A schema that is no JSON Schema: Avro, Protobuf, RAML. It is kept to tell whether it changed. */
export interface UnreadSchema {
  /** AsyncAPI's `schemaFormat`, as written: `application/vnd.apache.avro;version=1.9.0` */
  readonly format: string
  /** plain data, or the text where it is one */
  readonly content?: unknown
}

/** A named schema of a service: the target of `#/$defs/<name>`. */
export interface NamedSchema extends Schema {
  /** an identifier that is unique in the service, from the last meaningful step of its pointer */
  readonly name: string
}
