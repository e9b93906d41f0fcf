/** What the search is asked to satisfy: schemas and parts of schemas that are to hold, or to fail. */
import { holds, partHolds } from './evaluate.ts'
import type { Part } from './part.ts'
import { SchemaNode } from './schema-node.ts'

export interface Literal {
  readonly negated: boolean
  readonly of: SchemaNode | Part
}

export function yes(of: SchemaNode | Part): Literal {
  return { negated: false, of }
}

export function no(of: SchemaNode | Part): Literal {
  return { negated: true, of }
}

export function isNode(of: SchemaNode | Part): of is SchemaNode {
  return of instanceof SchemaNode
}

export function literalHolds({ negated, of }: Literal, value: unknown): boolean {
  return (isNode(of) ? holds(of, value) : partHolds(of, value)) !== negated
}

export function literalKey({ negated, of }: Literal): number {
  return negated ? -of.id : of.id
}
