import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import { optional } from '../model/optional.ts'
import type { Service, System } from '../model/system.ts'
import type { ImpactSubject } from './resolve-ref.ts'
import { resolveRef } from './resolve-ref.ts'

/** Somebody who relies on what was asked about. */
export interface Dependent {
  readonly service: string
  readonly owner?: string
  /** `calls`: by HTTP. `receives`: its messages. `sends`: hands it messages that it is to handle */
  readonly relation: 'calls' | 'receives' | 'sends'
  /** what it relies on: `payments.quotePrice`, `orders.orderPlaced` */
  readonly ref: string
  /** what of its own does: its receive or send; absent for a call */
  readonly through?: string
  readonly style: IntegrationStyle
  readonly reason?: string
  readonly until?: string
  readonly location: SourceLocation
}

/** Somebody who names it in a promise of their own: a completion, a push, a compensation. */
export interface Mention {
  readonly service: string
  readonly owner?: string
  /** `orders.placeOrder` */
  readonly by: string
  readonly member: 'completion' | 'push' | 'compensates'
  readonly ref: string
  readonly location: SourceLocation
}

export interface Impact {
  readonly ref: string
  readonly subjects: readonly { readonly kind: ImpactSubject['kind']; readonly ref: string; readonly owner?: string }[]
  readonly dependents: readonly Dependent[]
  /** who calls one of the dependents, directly or through others: they wait while it waits, and fail where it fails */
  readonly behind: readonly { readonly service: string; readonly owner?: string; readonly path: readonly string[] }[]
  readonly mentions: readonly Mention[]
  readonly looked: { readonly services: number; readonly integrations: number }
}

/** Who depends on a service, operation, message or channel, by what spandrel.yaml and the contracts declare. */
export function impactOf(ref: string, system: System): Impact | { readonly subjects?: never; readonly hint: string } {
  const resolved = resolveRef(ref, system)
  if (resolved.found === undefined) return { hint: resolved.hint }
  const dependents = unique(resolved.found.flatMap((subject) => dependentsOf(subject, system)))
  const refs = resolved.found.flatMap((subject) => refsOf(subject, system))
  const own = new Set(resolved.found.map(nameOf))
  return {
    ref,
    subjects: resolved.found.map((subject) => ({
      kind: subject.kind,
      ref: shown(subject),
      ...optional('owner', 'service' in subject ? subject.service.owner : undefined),
    })),
    dependents,
    behind: callersBehind([...new Set(dependents.map(({ service }) => service))], own, system),
    mentions: Object.values(system.services).flatMap((service) => mentionsBy(service, refs)),
    looked: { services: Object.keys(system.services).length, integrations: system.integrations.length },
  }
}

function nameOf(subject: ImpactSubject): string {
  return subject.kind === 'channel' ? subject.address : subject.service.name
}

function shown(subject: ImpactSubject): string {
  if (subject.kind === 'channel') return subject.address
  const { name } = subject.service
  if (subject.kind === 'service') return name
  return `${name}.${subject.kind === 'message' ? subject.message : subject.operation}`
}

function dependentsOf(subject: ImpactSubject, system: System): readonly Dependent[] {
  switch (subject.kind) {
    case 'service': {
      const { service } = subject
      const receives = Object.keys(service.receives).map((operation) => ({
        kind: 'receive' as const,
        service,
        operation,
      }))
      return [
        ...edges(system, ({ provider }) => provider === service.name),
        ...receives.flatMap((one) => dependentsOf(one, system)),
      ].filter((one) => one.service !== service.name)
    }
    case 'operation':
      return edges(system, ({ ref, kind }) => kind === 'call' && ref === shown(subject))
    case 'message':
      return edges(system, ({ ref, kind }) => kind === 'message' && ref === shown(subject))
    case 'send': {
      const messages = subject.service.sends[subject.operation]?.messages ?? []
      const refs = messages.map(({ message }) => `${subject.service.name}.${message}`)
      return edges(system, ({ ref, kind }) => kind === 'message' && refs.includes(ref))
    }
    case 'receive':
      return senders(subject.service, subject.operation, system)
    case 'channel':
      return edges(system, ({ channel }) => channel === subject.address)
  }
}

function edges(system: System, choose: (edge: System['integrations'][number]) => boolean): readonly Dependent[] {
  return system.integrations.filter(choose).map((edge) => ({
    service: edge.consumer,
    ...optional('owner', system.services[edge.consumer]?.owner),
    relation: edge.kind === 'call' ? 'calls' : 'receives',
    ref: edge.ref,
    ...optional('through', edge.receive && `${edge.consumer}.${edge.receive}`),
    style: edge.style,
    ...optional('reason', edge.reason),
    ...optional('until', edge.until),
    location: edge.location,
  }))
}

/** Whoever hands a command to a receive relies on its being handled; an announced event is nobody's request. */
function senders(service: Service, operation: string, system: System): readonly Dependent[] {
  const receive = service.receives[operation]
  if (receive === undefined) return []
  const types = receive.messages.filter(({ intent }) => intent === 'command').map(({ type }) => type)
  return Object.values(system.services).flatMap((one) =>
    Object.values(one.sends)
      .filter(
        ({ channel, messages }) => channel === receive.channel && messages.some(({ type }) => types.includes(type)),
      )
      .map((send): Dependent => ({
        service: one.name,
        ...optional('owner', one.owner),
        relation: 'sends',
        ref: `${service.name}.${operation}`,
        through: `${one.name}.${send.operation}`,
        style: send.integration?.style ?? 'messaging',
        location: send.location,
      })),
  )
}

/** Breadth first over calls, so that each is shown by its shortest way. */
function callersBehind(direct: readonly string[], own: ReadonlySet<string>, system: System): Impact['behind'] {
  const found: { service: string; owner?: string; path: readonly string[] }[] = []
  const seen = new Set([...direct, ...own])
  let edge = direct.map((service) => ({ service, path: [service] as readonly string[] }))
  while (edge.length > 0) {
    const next: typeof edge = []
    for (const { service, path } of edge) {
      for (const { consumer, kind, provider } of system.integrations) {
        if (kind !== 'call' || provider !== service || seen.has(consumer)) continue
        seen.add(consumer)
        const way = [consumer, ...path]
        found.push({ service: consumer, ...optional('owner', system.services[consumer]?.owner), path: way })
        next.push({ service: consumer, path: way })
      }
    }
    edge = next
  }
  return found
}

function refsOf(subject: ImpactSubject, system: System): readonly string[] {
  if (subject.kind === 'channel') return []
  if (subject.kind !== 'service') return [shown(subject)]
  const { name } = subject.service
  const names = [...Object.keys(subject.service.operations), ...Object.keys(subject.service.messages)]
  return names
    .map((one) => `${name}.${one}`)
    .concat(Object.keys(system.services[name]?.receives ?? {}).map((one) => `${name}.${one}`))
}

function mentionsBy(service: Service, refs: readonly string[]): readonly Mention[] {
  const all = [
    ...Object.values(service.operations),
    ...Object.values(service.sends),
    ...Object.values(service.receives),
  ]
  return all.flatMap(({ operation, guarantees, integration, location }) => {
    const named: readonly (readonly [Mention['member'], string | undefined])[] = [
      ['completion', guarantees.completion?.ref],
      ['push', guarantees.push?.ref],
      ['compensates', integration?.compensates],
    ]
    return named.flatMap(([member, written]) => {
      if (written === undefined) return []
      // A bare name is one of the same service.
      const ref = written.includes('.') ? written : `${service.name}.${written}`
      if (!refs.includes(ref)) return []
      const by = `${service.name}.${operation}`
      return [{ service: service.name, ...optional('owner', service.owner), by, member, ref, location }]
    })
  })
}

function unique(all: readonly Dependent[]): readonly Dependent[] {
  const key = ({ service, ref, through = '' }: Dependent): string => `${service} ${ref} ${through}`
  return [...new Map(all.map((one) => [key(one), one])).values()]
}
