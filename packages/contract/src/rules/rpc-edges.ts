import type { SourceLocation } from '../model/location.ts'
import type { System } from '../model/system.ts'
import { servicesOf } from './operations.ts'

/** One service waits for another: the calls between two services, as one edge. */
export interface RpcEdge {
  readonly from: string
  readonly to: string
  /** the first of its calls */
  readonly ref: string
  readonly at: SourceLocation
}

/** Only calls: who sends a message does not wait. */
export function rpcEdges(system: System): readonly RpcEdge[] {
  return servicesOf(system).flatMap((service) => {
    const uses = Object.values(service.uses).filter((use) => use.style === 'rpc' && use.service !== service.name)
    return [...Map.groupBy(uses, (use) => use.service)].flatMap(([to, [first]]) =>
      first === undefined ? [] : [{ from: service.name, to, ref: first.ref, at: first.location }],
    )
  })
}

/** Each way along edges that cannot be made longer, without coming back to a service it has passed. */
export function longestPaths(edges: readonly RpcEdge[]): readonly (readonly RpcEdge[])[] {
  const found: RpcEdge[][] = []
  const follow = (path: readonly RpcEdge[]): void => {
    // A system of services is small; a generated one must not take for ever.
    if (found.length >= 1000) return
    const visited = new Set([path[0]?.from, ...path.map(({ to }) => to)])
    const next = edges.filter(({ from, to }) => from === path.at(-1)?.to && !visited.has(to))
    if (next.length === 0) found.push([...path])
    for (const edge of next) follow([...path, edge])
  }
  const reached = new Set(edges.map(({ to }) => to))
  const starts = edges.filter(({ from }) => !reached.has(from))
  for (const edge of starts.length > 0 ? starts : edges) follow([edge])
  return found
}

/** Who follows the calls from its end comes back to its beginning. */
export function isOnCircle(edge: RpcEdge, edges: readonly RpcEdge[]): boolean {
  const reached = new Set([edge.to])
  // A set grows while it is walked: what is added is visited too.
  for (const name of reached) {
    for (const { from, to } of edges) if (from === name) reached.add(to)
  }
  return reached.has(edge.from)
}

/** What is reckoned with where nobody says how much of the time a service is there, in percent. */
const ASSUMED = 99.9

/** How much of the time all of these services are there at once; the vocabulary of contracts has no word for it. */
export function compositeAvailability(services: number, { defaults }: System): string {
  const { availability } = defaults
  const each = availability ?? ASSUMED
  const together = `${((each / 100) ** services * 100).toFixed(2).replace(/0$/, '')} %`
  const all = services === 2 ? 'both' : 'all'
  return availability === undefined
    ? `if each were there ${ASSUMED} % of the time (assumed: say it in \`defaults.availability\`), ${all} would be ${together}`
    : `each is there ${each} % of the time (\`defaults.availability\`), ${all} at once ${together}`
}
