import { field, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { pointerSteps } from '../source/pointer.ts'

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth']

/** An item of a list, for messages: parameter `limit`, the first of `parameters`. */
export function itemName(list: string, index: number, item: Node): string {
  const own = textAt(item, 'name')
  if (own !== undefined && list.endsWith('s')) return `${list.slice(0, -1)} \`${own}\``
  const ordinal = ordinals[index]
  return ordinal === undefined ? `number ${index + 1} of \`${list}\`` : `the ${ordinal} of \`${list}\``
}

/** The node at a pointer, or the last one on the way that exists, and what messages call it. */
export function partAt(root: Node, pointer: string): { readonly node: Node; readonly shown: string } {
  let node = root
  let shown = 'the document'
  let list = 'the list'
  for (const step of pointerSteps(pointer) ?? []) {
    const index = Number(step)
    const next = node.kind === 'list' ? node.items[index] : field(node, step)
    if (next === undefined) return { node, shown }
    shown = node.kind === 'list' ? itemName(list, index, next) : `\`${step}\``
    list = step
    node = next
  }
  return { node, shown }
}
