/** A schema where it stands in one of the two documents. Made once for each schema object, so identity is equality. */
import type { JsonSchema } from '../model/schema.ts'
import { pointerTo } from '../source/pointer.ts'
import type { Part } from './part.ts'
import { partsOf } from './parts-of.ts'
import type { SchemaDocument } from './schema-document.ts'

/** `none`: made by the search itself, to say where a value is to be. */
export type Side = 'reader' | 'writer' | 'none'

export class SchemaNode {
  readonly id: number
  readonly schema: JsonSchema
  readonly document: SchemaDocument
  readonly pointer: string
  #parts: readonly Part[] | undefined

  constructor(id: number, schema: JsonSchema, document: SchemaDocument, pointer: string) {
    this.id = id
    this.schema = schema
    this.document = document
    this.pointer = pointer
  }

  get side(): Side {
    return this.document.side
  }

  get parts(): readonly Part[] {
    this.#parts ??= partsOf(this)
    return this.#parts
  }

  child(schema: JsonSchema, ...steps: (string | number)[]): SchemaNode {
    return this.document.node(schema, steps.reduce<string>(pointerTo, this.pointer))
  }
}
