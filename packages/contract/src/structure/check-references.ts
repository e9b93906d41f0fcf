import { field, text } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'

/** Values, not descriptions: a `$ref` in them is data. */
const data = new Set(['example', 'examples', 'default', 'enum', 'const'])

/** Resolves every reference of a document once; one that leads nowhere is reported where it stands. */
export function checkReferences(root: Node, sources: Sources): void {
  const seen = new Set<Node>()
  const queue: Node[] = [root]
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node.kind === 'scalar' || seen.has(node)) continue
    seen.add(node)
    if (node.kind === 'list') {
      queue.push(...node.items)
      continue
    }
    const reference = field(node, '$ref')
    const written = text(reference)
    if (reference !== undefined && written !== undefined) sources.resolve(written, reference.at)
    for (const [key, { value }] of node.entries) if (!data.has(key) && !key.startsWith('x-')) queue.push(value)
  }
}
