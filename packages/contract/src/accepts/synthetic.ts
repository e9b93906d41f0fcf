/** Schemas that the search makes itself, to say where a value is to be. Equal ones are the same node. */
import type { JsonSchema } from '../model/schema.ts'
import { type Ids, SchemaDocument } from './schema-document.ts'
import type { SchemaNode } from './schema-node.ts'
import { canonical, recordOf } from './value.ts'

export class SyntheticSchemas {
  readonly #document: SchemaDocument
  readonly #made = new Map<string, SchemaNode>()

  constructor(ids: Ids) {
    this.#document = new SchemaDocument('none', ids, {})
  }

  make(schema: JsonSchema): SchemaNode {
    const key = canonical(schema)
    let node = this.#made.get(key)
    if (node === undefined) {
      node = this.#document.node(schema, '')
      this.#made.set(key, node)
    }
    return node
  }

  required(name: string): SchemaNode {
    return this.make({ required: [name] })
  }

  pattern(pattern: string): SchemaNode {
    return this.make({ pattern })
  }

  oneOf(values: readonly unknown[]): SchemaNode {
    return this.make({ enum: values })
  }

  /** A member has exactly this value. */
  member(name: string, value: unknown): SchemaNode {
    return this.make({ type: 'object', required: [name], properties: recordOf([[name, { const: value }]]) })
  }

  /** An item has exactly this value. */
  item(index: number, value: unknown): SchemaNode {
    const prefixItems = [...Array.from({ length: index }, () => true), { const: value }]
    return this.make({ type: 'array', minItems: index + 1, prefixItems })
  }
}
