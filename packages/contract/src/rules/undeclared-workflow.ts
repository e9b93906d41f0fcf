import type { SourceLocation } from '../model/location.ts'
import type { System } from '../model/system.ts'
import { changesState, receiversOf, sendsOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const undeclaredWorkflow: Rule = {
  id: 'undeclared-workflow',
  severity: 'warning',
  area: 'governance',
  formats: ['spandrel', 'openapi', 'asyncapi'],
  law: 'a chain of work over three or more services is a workflow with a name',
  why:
    'When one service hands work to a second and that to a third, there is a process, whether anybody named it or not. ' +
    'Without a name it has no owner, nobody knows which steps can be undone, and nobody notices when it stands still.',
  fix: 'add it to `workflows`, and name it in `x-integration: { process: … }` of each step',
  *check({ system }) {
    const edges = unnamedEdges(system)
    const followed = new Set<string>()
    for (const first of edges) {
      const second = edges.find(({ from, to }) => from === first.to && to !== first.from)
      if (second === undefined || followed.has(first.from)) continue
      const chain = chainFrom(first, edges)
      chain.forEach((name) => followed.add(name))
      yield {
        at: first.at,
        subject: first.from,
        message: `${chain.map((name) => `\`${name}\``).join(' → ')}: work goes over ${chain.length} services, and no workflow names it`,
      }
    }
  },
}

/** Work that goes from one service to the next. */
export interface Handover {
  readonly from: string
  readonly to: string
  readonly at: SourceLocation
}

/** Messages, and calls that change something, where neither side says which process it belongs to. */
export function unnamedEdges(system: System): readonly Handover[] {
  const messages = sendsOf(system).flatMap((send) =>
    receiversOf(system, send)
      .filter(({ service }) => service !== send.service)
      .filter(({ integration }) => (integration?.process ?? send.integration?.process) === undefined)
      .map(({ service }) => ({ from: send.service, to: service, at: send.location })),
  )
  const calls = servicesOf(system).flatMap((service) =>
    Object.values(service.uses)
      .filter(({ provider }) => changesState(provider) && provider.integration?.process === undefined)
      .map((use) => ({ from: service.name, to: use.service, at: use.location })),
  )
  return [...messages, ...calls]
}

function chainFrom(first: Handover, edges: readonly Handover[]): readonly string[] {
  const chain = [first.from, first.to]
  for (;;) {
    const next = edges.find(({ from, to }) => from === chain.at(-1) && !chain.includes(to))
    if (next === undefined) return chain
    chain.push(next.to)
  }
}
