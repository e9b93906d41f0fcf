import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Message, ReceiveOperation, SendOperation } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import type { HttpOperation } from '../model/operation.ts'
import type { Service, System } from '../model/system.ts'
import { servicesOf } from '../rules/operations.ts'

/** One integration with both of its sides; a side that is nobody of the system is absent. */
export type Edge = CallEdge | MessageEdge

interface CommonEdge {
  readonly name: string
  readonly ref: string
  readonly consumer?: Service
  readonly provider?: Service
  readonly style: IntegrationStyle
  readonly reason?: string
  readonly until?: string
  /** where the consumer says that it relies on it; where it is offered, if nobody does */
  readonly location: SourceLocation
}

export interface CallEdge extends CommonEdge {
  readonly kind: 'call'
  readonly provider: Service
  readonly operation: HttpOperation
}

export interface MessageEdge extends CommonEdge {
  readonly kind: 'message'
  readonly send?: SendOperation
  readonly sent?: Message
  readonly receive?: ReceiveOperation
  readonly received?: Message
  readonly channel: string
}

/** Declared integrations first, then what is offered to whoever comes. */
export function edgesOf(system: System): readonly Edge[] {
  const declared = system.integrations.flatMap((one) =>
    one.kind === 'call' ? callOf(one, system) : messageOf(one, system),
  )
  const open = servicesOf(system)
    .filter(({ external }) => !external)
    .flatMap((service) => [...openCalls(service, declared), ...openMessages(service, declared)])
  return [...new Map([...declared, ...open].map((edge) => [edge.name, edge])).values()]
}

type Declared = System['integrations'][number]

function callOf({ consumer, ref, style, reason, until, location }: Declared, system: System): readonly Edge[] {
  const from = system.services[consumer]
  const use = from?.uses[ref]
  const provider = use === undefined ? undefined : system.services[use.service]
  if (from === undefined || use === undefined || provider === undefined) return []
  const name = `${consumer} → ${ref}`
  const terms = { ...optional('reason', reason), ...optional('until', until) }
  return [{ kind: 'call', name, ref, consumer: from, provider, operation: use.provider, style, ...terms, location }]
}

function messageOf(one: Declared, system: System): readonly Edge[] {
  const { consumer, provider, ref, channel, receive: name, style, reason, until, location } = one
  const [from, to] = [system.services[provider], system.services[consumer]]
  const receive = name === undefined ? undefined : to?.receives[name]
  const key = ref.slice(provider.length + 1)
  const send = Object.values(from?.sends ?? {}).find(
    (each) => each.channel === channel && each.messages.some(({ message }) => message === key),
  )
  const sent = send?.messages.find(({ message }) => message === key)
  const received = receive?.messages.find(({ type }) => type === sent?.type)
  if (to === undefined || from === undefined || receive === undefined || send === undefined) return []
  const twice = Object.values(to.receives).filter(
    (each) => each.channel === channel && each.messages.some(({ type }) => type === sent?.type),
  )
  return [
    {
      kind: 'message',
      // One message that two operations of a service receive is two integrations.
      name: twice.length > 1 ? `${consumer} → ${ref} (${receive.operation})` : `${consumer} → ${ref}`,
      ref,
      consumer: to,
      provider: from,
      send,
      receive,
      ...optional('sent', sent),
      ...optional('received', received),
      channel: receive.channel,
      style,
      ...optional('reason', reason),
      ...optional('until', until),
      location,
    },
  ]
}

function openCalls(service: Service, declared: readonly Edge[]): readonly Edge[] {
  const used = new Set(declared.filter(({ kind }) => kind === 'call').map(({ ref }) => ref))
  return Object.values(service.operations)
    .filter(({ operation }) => !used.has(`${service.name}.${operation}`))
    .map((operation) => ({
      kind: 'call',
      name: `callers → ${service.name}.${operation.operation}`,
      ref: `${service.name}.${operation.operation}`,
      provider: service,
      operation,
      style: operation.integration?.style ?? 'rpc',
      ...optional('reason', operation.integration?.reason),
      ...optional('until', operation.integration?.until),
      location: operation.location,
    }))
}

function openMessages(service: Service, declared: readonly Edge[]): readonly Edge[] {
  const known = declared.filter((edge) => edge.kind === 'message')
  const sends = Object.values(service.sends).flatMap((send) =>
    send.messages
      .filter(({ message }) => !known.some(({ ref }) => ref === `${service.name}.${message}`))
      .map((sent): Edge => ({
        kind: 'message',
        name: `subscribers → ${service.name}.${sent.message}`,
        ref: `${service.name}.${sent.message}`,
        provider: service,
        send,
        sent,
        channel: send.channel,
        style: send.integration?.style ?? 'messaging',
        ...optional('reason', send.integration?.reason),
        ...optional('until', send.integration?.until),
        location: send.location,
      })),
  )
  const receives = Object.values(service.receives).flatMap((receive) =>
    receive.messages
      .filter(({ type }) => !known.some((edge) => edge.receive === receive && edge.received?.type === type))
      .map((received): Edge => ({
        kind: 'message',
        name: `senders → ${service.name}.${receive.operation} (${received.message})`,
        ref: `${service.name}.${receive.operation}`,
        consumer: service,
        receive,
        received,
        channel: receive.channel,
        style: receive.integration?.style ?? 'messaging',
        ...optional('reason', receive.integration?.reason),
        ...optional('until', receive.integration?.until),
        location: receive.location,
      })),
  )
  return [...sends, ...receives]
}

/** The operation that does the work: the one called, or the one that receives; absent where only the sender is known. */
export function worker(edge: Edge): HttpOperation | ReceiveOperation | undefined {
  return edge.kind === 'call' ? edge.operation : edge.receive
}

/** Everything of an integration that a rule may be about. */
export function subjectsOf(edge: Edge): readonly string[] {
  const { provider, consumer, ref } = edge
  const operations =
    edge.kind === 'call' ? [edge.operation] : [edge.send, edge.receive].filter((one) => one !== undefined)
  return [
    ...operations.map(({ service, operation }) => `${service}.${operation}`),
    ...(consumer === undefined ? [] : [`${consumer.name} → ${ref}`]),
    ...(provider === undefined || consumer === undefined ? [] : [`${consumer.name} → ${provider.name}`]),
  ]
}
