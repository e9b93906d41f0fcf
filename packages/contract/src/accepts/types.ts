import type { JsonSchema } from '../model/schema.ts'
import type { Dialect } from '../schema/dialect.ts'

/**
 * What a writer is taken to send beyond what its schema names.
 *
 * - `tolerant` (default): a member that the writer's schema does not declare is assumed absent. See `accepts`.
 * - `strict`: whatever the writer's schema allows may be sent; an open object may have any other member.
 */
export type AcceptsPolicy = 'tolerant' | 'strict'

/** Named schemas, by the name a `$ref: '#/$defs/<name>'` has: the `schemas` of a `Service`. */
export type SchemaNames = Readonly<Record<string, { readonly schema: JsonSchema }>>

export interface AcceptsOptions {
  /** default `tolerant` */
  readonly policy?: AcceptsPolicy
  /** what `#/$defs/<name>` means in the reader: `service.schemas`. Absent: the reader is a document of its own. */
  readonly readerSchemas?: SchemaNames
  /** the same for the writer */
  readonly writerSchemas?: SchemaNames
  /**
   * how the reader is written. Absent: what its own `$schema` says; `2020-12` where that says nothing, and wherever
   * `readerSchemas` are given: the schemas of a `System` are that.
   */
  readonly readerDialect?: Dialect
  /** the same for the writer */
  readonly writerDialect?: Dialect
  /** search steps before the answer is `unknown`; default 20 000 for one comparison */
  readonly budget?: number
}

/** Where a keyword stands in one of the two schemas. */
export interface SchemaPlace {
  /**
   * JSON pointer to the keyword, or to the schema that lacks it. In a named schema it begins with `/$defs/<name>`;
   * otherwise it begins at the schema that was given.
   */
  readonly pointer: string
  /** the keyword's value; absent where the keyword is */
  readonly value?: unknown
}

interface DifferencePlace {
  /** JSON pointer into instances; the step `*` stands for any item, any undeclared member, or its name */
  readonly path: string
  /** the keyword of the reader that decides: `minimum`, `required`, `enum`, …; `false` for the schema `false` */
  readonly keyword: string
  readonly reader: SchemaPlace
  readonly writer: SchemaPlace
}

/** The writer may send something that the reader rejects, and here it is. */
export interface Rejection extends DifferencePlace {
  readonly answer: 'no'
  /** a whole instance, valid by the writer's schema and invalid by the reader's; both confirmed by ajv */
  readonly witness: unknown
}

/** Neither a proof nor a witness was found. */
export interface Undecided extends DifferencePlace {
  readonly answer: 'unknown'
  /** why, in a sentence that can be shown */
  readonly reason: string
}

export type Difference = Rejection | Undecided

export interface AcceptsResult {
  /** `no` where any difference is; else `unknown` where any is; `yes` is a proof */
  readonly answer: 'yes' | 'no' | 'unknown'
  /** in the order of the reader's schema, each pair of places once; empty exactly where the answer is `yes` */
  readonly differences: readonly Difference[]
}
