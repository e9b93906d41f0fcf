import type { Schema } from '../model/schema.ts'
import { dialectOf } from '../schema/dialect.ts'
import type { Reading } from '../service/reading.ts'
import type { Node } from '../source/node.ts'

/** AsyncAPI's own schemas are a superset of draft-07. */
export function readSchema(node: Node, { schemas, sources }: Reading): Schema {
  return schemas.read(node, dialectOf(sources.open(node.at.file, node.at), 'draft-07'))
}
