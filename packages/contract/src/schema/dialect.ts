import type { Node } from '../source/node.ts'
import { field } from '../source/node.ts'

/**
 * How a schema was written. OpenAPI 3.0 has `nullable` and boolean `exclusiveMinimum`, and ignores what stands beside
 * `$ref`; AsyncAPI is a superset of draft-07 and ignores it too; OpenAPI 3.1 and later are 2020-12.
 */
export type Dialect = 'openapi-3.0' | 'draft-07' | '2020-12'

/** The dialect of a whole file; a bare schema file speaks that of the document that refers to it. */
export function dialectOf(root: Node | undefined, otherwise: Dialect): Dialect {
  const openapi = field(root, 'openapi')
  if (openapi?.kind === 'scalar') return openapi.source.startsWith('3.0') ? 'openapi-3.0' : '2020-12'
  return field(root, 'asyncapi') === undefined ? otherwise : 'draft-07'
}
