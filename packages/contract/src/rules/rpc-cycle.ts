import type { RpcEdge } from './rpc-edges.ts'
import { compositeAvailability, rpcEdges } from './rpc-edges.ts'
import type { Rule } from './rule.ts'

export const rpcCycle: Rule = {
  id: 'rpc-cycle',
  severity: 'error',
  area: 'coupling',
  formats: ['spandrel'],
  law: 'no service waits for itself through others',
  why:
    'In a circle of calls nobody can be deployed, started or repaired first. Under load each waits for the others while ' +
    'it holds what they wait for, and retries multiply at every turn.',
  fix: 'let a message replace one of the calls',
  *check({ system }) {
    const edges = rpcEdges(system)
    const seen = new Set<string>()
    for (const edge of edges) {
      const circle = backTo(edge, edges)
      if (circle === undefined) continue
      const names = circle.map(({ from }) => from)
      const key = [...names].sort().join()
      if (seen.has(key)) continue
      seen.add(key)
      yield {
        at: edge.at,
        subject: `${edge.from} → ${edge.ref}`,
        message: `${[...names, edge.from].map((name) => `\`${name}\``).join(' → ')}: a circle of calls; ${compositeAvailability(names.length, system)}`,
      }
    }
  },
}

/** The shortest way along edges that begins with one and ends where it began. */
function backTo(start: RpcEdge, edges: readonly RpcEdge[]): readonly RpcEdge[] | undefined {
  const queue: (readonly RpcEdge[])[] = [[start]]
  const seen = new Set<string>([start.to])
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const end = path.at(-1)?.to
    if (end === start.from) return path
    for (const edge of edges) {
      if (edge.from !== end || (seen.has(edge.to) && edge.to !== start.from)) continue
      seen.add(edge.to)
      queue.push([...path, edge])
    }
  }
  return undefined
}
