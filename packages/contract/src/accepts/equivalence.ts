/** Whether two schemas say the same in the same words. Two versions of a document are mostly that. */
import type { Part } from './part.ts'
import type { SchemaNode } from './schema-node.ts'
import { canonical } from './value.ts'

interface Comparison {
  readonly equal: boolean
  /** the outermost comparison this one relies on, by depth */
  readonly relies: number
}

const FREE = Number.POSITIVE_INFINITY

/** Recursive schemas are equal if no difference is found on the assumption that they are. */
export class Equivalence {
  readonly #known = new Map<string, boolean>()
  readonly #open = new Map<string, number>()
  /** equal, if comparisons that are still open turn out so */
  #provisional: string[] = []

  nodes(left: SchemaNode, right: SchemaNode): boolean {
    return this.#nodes(left, right).equal
  }

  parts(left: Part, right: Part): boolean {
    if (signature(left) !== signature(right)) return false
    // These depend on all the rest of their schemas.
    if (left.kind.startsWith('unevaluated')) return this.nodes(left.owner, right.owner)
    return this.#parts(left, right).equal
  }

  /** After a comparison that was broken off. */
  reset(): void {
    this.#open.clear()
    this.#provisional = []
  }

  #nodes(left: SchemaNode, right: SchemaNode): Comparison {
    if (left === right) return { equal: true, relies: FREE }
    const key = left.id < right.id ? `${left.id},${right.id}` : `${right.id},${left.id}`
    const known = this.#known.get(key)
    if (known !== undefined) return { equal: known, relies: FREE }
    const open = this.#open.get(key)
    if (open !== undefined) return { equal: true, relies: open }
    const depth = this.#open.size
    const mark = this.#provisional.length
    this.#open.set(key, depth)
    const result = this.#lists(sorted(left), sorted(right))
    this.#open.delete(key)
    if (!result.equal) {
      this.#known.set(key, false)
      this.#provisional.length = mark
      return { equal: false, relies: FREE }
    }
    if (result.relies < depth) {
      this.#provisional.push(key)
      return result
    }
    for (const each of this.#provisional.splice(mark)) this.#known.set(each, true)
    this.#known.set(key, true)
    return { equal: true, relies: FREE }
  }

  #lists(left: readonly Part[], right: readonly Part[]): Comparison {
    if (left.length !== right.length) return { equal: false, relies: FREE }
    let relies = FREE
    // Cheap comparisons first.
    if (left.some((part, index) => signature(part) !== signature(right[index]))) return { equal: false, relies }
    for (const [index, part] of left.entries()) {
      const other = right[index]
      const result = other === undefined ? { equal: false, relies } : this.#parts(part, other)
      if (!result.equal) return result
      relies = Math.min(relies, result.relies)
    }
    return { equal: true, relies }
  }

  #parts(left: Part, right: Part): Comparison {
    let relies = FREE
    const [inner, others] = [childrenOf(left), childrenOf(right)]
    if (signature(left) !== signature(right) || inner.length !== others.length) return { equal: false, relies }
    for (const [index, child] of inner.entries()) {
      const other = others[index]
      const result = other === undefined ? { equal: false, relies } : this.#nodes(child, other)
      if (!result.equal) return result
      relies = Math.min(relies, result.relies)
    }
    return { equal: true, relies }
  }
}

/** The schemas inside a part. */
function childrenOf(part: Part): readonly SchemaNode[] {
  switch (part.kind) {
    case 'any':
    case 'one':
      return part.nodes
    case 'if':
      return [part.condition, part.whenTrue, part.whenFalse].filter((node) => node !== undefined)
    default:
      return 'node' in part ? [part.node] : []
  }
}

const signatures = new WeakMap<Part, string>()

/** All of a part but the schemas inside it. */
export function signature(part: Part | undefined): string {
  if (part === undefined) return ''
  const known = signatures.get(part)
  if (known !== undefined) return known
  const text = `${part.kind} ${describe(part)}`
  signatures.set(part, text)
  return text
}

function describe(part: Part): string {
  switch (part.kind) {
    case 'type':
      return String(part.mask)
    case 'enum':
      return part.values.map(canonical).toSorted().join()
    case 'minimum':
    case 'maximum':
      return `${part.limit} ${part.exclusive}`
    case 'multipleOf':
      return String(part.of)
    case 'pattern':
      return part.pattern
    case 'patternProperty':
      return part.pattern
    case 'format':
      return part.format
    case 'prefixItem':
      return String(part.index)
    case 'items':
      return String(part.from)
    case 'contains':
      return `${part.min} ${part.max}`
    case 'required':
    case 'property':
    case 'dependentSchema':
      return part.name
    case 'dependentRequired':
      return canonical([part.name, part.needs.toSorted()])
    case 'additional':
      return canonical([[...part.names].toSorted(), part.patterns.toSorted()])
    case 'any':
    case 'one':
      return String(part.nodes.length)
    case 'if':
      return `${part.whenTrue !== undefined} ${part.whenFalse !== undefined}`
    case 'opaque':
      return part.same
    default:
      return 'count' in part ? String(part.count) : ''
  }
}

const orders = new WeakMap<SchemaNode, readonly Part[]>()

function sorted(node: SchemaNode): readonly Part[] {
  const known = orders.get(node)
  if (known !== undefined) return known
  const inOrder = node.parts.toSorted((left, right) => (signature(left) < signature(right) ? -1 : 1))
  orders.set(node, inOrder)
  return inOrder
}
