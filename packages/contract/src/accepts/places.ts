/** Where a part of the reader stands, and what the writer has in its place. */
import { pointerTo } from '../source/pointer.ts'
import { inPlace } from './evaluated-names.ts'
import { isNode, type Literal } from './literal.ts'
import type { Part } from './part.ts'
import type { SchemaNode } from './schema-node.ts'
import type { SchemaPlace } from './types.ts'

export function readerPlace(part: Part): SchemaPlace {
  const pointer = part.steps.reduce(pointerTo, part.owner.pointer)
  const value = valueAt(part.owner, part.steps)
  return { pointer, value: part.kind === 'never' ? false : value }
}

/** Keywords that say the same kind of thing, to look at where the writer does not have the very same. */
const RELATED: Readonly<Record<string, readonly string[]>> = {
  minimum: ['exclusiveMinimum'],
  exclusiveMinimum: ['minimum'],
  maximum: ['exclusiveMaximum'],
  exclusiveMaximum: ['maximum'],
  enum: ['const', 'type'],
  const: ['enum', 'type'],
  type: ['enum', 'const'],
  anyOf: ['oneOf'],
  oneOf: ['anyOf'],
  dependentRequired: ['required'],
}

/** `near`: where the writer last had a schema, for places it says nothing of. */
export function writerPlace(part: Part, context: readonly Literal[], near: string): SchemaPlace {
  const nodes = writersIn(context)
  const inside = nodes.flatMap((node) => [...inPlace(node, () => false)])
  const anywhere = nodes.flatMap((node) => [...inPlace(node, () => true)])
  for (const keyword of [part.keyword, ...(RELATED[part.keyword] ?? [])]) {
    for (const parts of [inside, anywhere]) {
      const found = parts.find((each) => each.keyword === keyword && sameMember(each, part))
      if (found === undefined) continue
      // Of a list of names the whole is shown: that one is missing is what matters.
      const steps = keyword === 'required' ? found.steps.slice(0, 1) : found.steps
      return { pointer: steps.reduce(pointerTo, found.owner.pointer), value: valueAt(found.owner, steps) }
    }
  }
  // Not the reference, but the schema it leads to: that is where the keyword would be.
  const saying = inside.find(({ kind }) => kind !== 'all')?.owner
  return { pointer: saying?.pointer ?? nodes[0]?.pointer ?? near }
}

function sameMember(left: Part, right: Part): boolean {
  return left.keyword === 'required' || left.steps.slice(1).join('/') === right.steps.slice(1).join('/')
}

export function writersIn(context: readonly Literal[]): SchemaNode[] {
  return context.flatMap(({ of, negated }) => (isNode(of) && of.side === 'writer' && !negated ? [of] : []))
}

function valueAt(node: SchemaNode, steps: readonly string[]): unknown {
  let at: unknown = node.schema
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string, unknown>)[step]
  }
  return at
}
