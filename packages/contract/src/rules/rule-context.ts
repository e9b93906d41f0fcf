import type { System } from '../model/system.ts'
import type { Node } from '../source/node.ts'
import { field, text } from '../source/node.ts'
import { pointerSteps } from '../source/pointer.ts'
import type { Sources } from '../source/sources.ts'
import { Repository } from './repository/repository.ts'
import type { RuleContext } from './rule.ts'

/** What rules read, over the documents a system was built from. */
export function ruleContext(system: System, sources: Sources, today: string): RuleContext {
  return {
    system,
    today,
    repository: new Repository(system),
    node(file, pointer) {
      let node = sources.known(file)
      for (const step of pointerSteps(pointer) ?? []) {
        node = node?.kind === 'list' ? node.items[Number(step)] : field(node, step)
      }
      return node
    },
    follow: (node) => followed(node, sources),
  }
}

/** Faults of references were reported while the documents were read. */
function followed(node: Node | undefined, sources: Sources): Node | undefined {
  const seen = new Set<Node>()
  for (let current = node; current !== undefined && !seen.has(current);) {
    const reference = field(current, '$ref')
    const written = text(reference)
    if (reference === undefined || written === undefined) return current
    seen.add(current)
    current = sources.resolve(written, reference.at)
  }
  return undefined
}
