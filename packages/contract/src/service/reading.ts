import type { Findings } from '../findings/findings.ts'
import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import type { SchemaReader } from '../schema/schema-reader.ts'
import { field, text } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import type { Names } from './names.ts'
import type { Sidecars } from './sidecars.ts'

/** What reading the documents of one service needs. */
export interface Reading {
  readonly service: string
  readonly sources: Sources
  readonly findings: Findings
  readonly schemas: SchemaReader
  readonly names: Names
  readonly sidecars: Sidecars
  readonly references: References
  readonly defaultStyle: IntegrationStyle | undefined
  readonly official: boolean
}

/** Names written in one place that must exist in another; resolved when every service has been read. */
export interface PendingReference {
  readonly service: string
  /** the member that holds it: `completion.ref` */
  readonly member: string
  readonly ref: string
  readonly at: SourceLocation
  /** what it may name */
  readonly kind: 'any' | 'operation' | 'message' | 'workflow' | 'channel'
}

export type References = PendingReference[]

/** Follows Reference Objects to what they name; undefined where one points nowhere (reported) or in a circle. */
export function follow(node: Node | undefined, { sources, findings }: Reading): Node | undefined {
  const seen = new Set<Node>()
  let current = node
  while (current !== undefined) {
    const reference = field(current, '$ref')
    const written = text(reference)
    if (reference === undefined || written === undefined) return current
    if (seen.has(current)) {
      const hint = 'let one of them hold the object itself'
      findings.error(reference.at, 'reference-cycle', `\`${written}\` leads back to itself`, hint)
      return undefined
    }
    seen.add(current)
    current = sources.resolve(written, reference.at)
  }
  return undefined
}
