import { compositeAvailability, isOnCircle, longestPaths, rpcEdges } from './rpc-edges.ts'
import type { Rule } from './rule.ts'

/** Calls behind one another. Two are common (a service and its vendor); from three on nobody knows the whole chain. */
const MOST = 2

export const syncChain: Rule = {
  id: 'sync-chain',
  severity: 'warning',
  area: 'coupling',
  formats: ['spandrel'],
  law: `no request waits for more than ${MOST} calls behind one another`,
  why:
    'Each call in a chain adds its latency and takes away its availability: four services that are there 99.9 % of the ' +
    'time are together there 99.6 % of it. The first of them answers for failures of services it has never heard of.',
  fix: 'let a message replace one of the calls, or keep a copy of what is asked for',
  *check({ system }) {
    const seen = new Set<string>()
    const edges = rpcEdges(system)
    for (const path of longestPaths(edges)) {
      const [first] = path
      if (first === undefined || path.length <= MOST) continue
      // Who calls in a circle hears of it from `rpc-cycle`, once.
      if (path.every((edge) => isOnCircle(edge, edges))) continue
      const services = [first.from, ...path.map(({ to }) => to)]
      if (seen.has(services.join())) continue
      seen.add(services.join())
      yield {
        at: first.at,
        subject: `${first.from} → ${first.ref}`,
        message: `${services.map((name) => `\`${name}\``).join(' → ')}: ${path.length} calls behind one another; ${compositeAvailability(services.length, system)}`,
      }
    }
  },
}
