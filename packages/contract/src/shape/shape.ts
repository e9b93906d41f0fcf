/**
 * The JSON Schema 2020-12 keywords our own schemas are written in: the vocabulary, spandrel.yaml, and the structure of
 * OpenAPI and AsyncAPI documents. Being JSON Schema they serve editors and any validator; being few they can be read by
 * `checkShape`, whose messages say what an author can use. The `x-` keywords only improve those messages.
 */
export interface Shape {
  readonly $ref?: `#/$defs/${string}`
  readonly title?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly default?: unknown
  readonly deprecated?: boolean

  readonly type?: ShapeType | readonly ShapeType[]
  readonly const?: string | number | boolean | null
  readonly enum?: readonly (string | number | boolean | null)[]
  readonly anyOf?: readonly Shape[]

  readonly properties?: Readonly<Record<string, Shape>>
  readonly patternProperties?: Readonly<Record<string, Shape>>
  /** absent: anything may stand there */
  readonly additionalProperties?: Shape | false
  readonly required?: readonly string[]
  readonly minProperties?: number

  readonly items?: Shape
  readonly minItems?: number

  readonly pattern?: string
  readonly minLength?: number
  readonly minimum?: number
  readonly maximum?: number

  /** values people write when they mean another: `{ queue: 'wait' }` */
  readonly 'x-synonyms'?: Readonly<Record<string, string>>
  /** the text a bare number most likely means, with `{}` for the number: `PT{}S` */
  readonly 'x-number-as'?: string
  /** what to do where a value does not fit */
  readonly 'x-hint'?: string
  /** a Reference Object (`{ $ref }`) may stand here; `beside`: its other members count too (schemas since 3.1) */
  readonly 'x-reference'?: true | 'beside'
  /** a member may be unknown, but one that is almost a known one is reported */
  readonly 'x-near-misses'?: true
  /** first version of the specification that has this member: `3.1` */
  readonly 'x-since'?: number
  /** members of which at most one may stand there */
  readonly 'x-exclusive'?: readonly (readonly [string, string])[]
  /** members of which exactly one must stand there */
  readonly 'x-one-of'?: readonly [string, string]
  /** a member that is required only up to this version */
  readonly 'x-required-until'?: Readonly<Record<string, number>>
}

export type ShapeType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null'

export type ShapeDefinitions = Readonly<Record<string, Shape>>
