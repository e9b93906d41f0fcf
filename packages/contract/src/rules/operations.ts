import type { Message, ReceiveOperation, SendOperation } from '../model/message.ts'
import type { HttpOperation } from '../model/operation.ts'
import type { Service, System } from '../model/system.ts'

/** The parts of a system, as rules ask for them. */

export type Operation = HttpOperation | SendOperation | ReceiveOperation

export function servicesOf(system: System): readonly Service[] {
  return Object.values(system.services)
}

export function httpOf(system: System): readonly HttpOperation[] {
  return servicesOf(system).flatMap(({ operations }) => Object.values(operations))
}

export function sendsOf(system: System): readonly SendOperation[] {
  return servicesOf(system).flatMap(({ sends }) => Object.values(sends))
}

export function receivesOf(system: System): readonly ReceiveOperation[] {
  return servicesOf(system).flatMap(({ receives }) => Object.values(receives))
}

/** Webhooks and callbacks: what a service calls, described in its own document. */
function outgoingOf(service: Service): readonly HttpOperation[] {
  const callbacks = Object.values(service.operations).flatMap((one) => one.callbacks.flatMap((two) => two.operations))
  return [...service.webhooks, ...callbacks]
}

export function allOf(service: Service): readonly Operation[] {
  const { operations, sends, receives } = service
  return [...Object.values(operations), ...outgoingOf(service), ...Object.values(sends), ...Object.values(receives)]
}

/** `orders.placeOrder` */
export function nameOf({ service, operation }: { service: string; operation: string }): string {
  return `${service}.${operation}`
}

/** `POST /orders` for HTTP, the name otherwise. */
export function shownName(operation: Operation): string {
  return operation.kind === 'http' ? `${operation.method} ${operation.path}` : `\`${operation.operation}\``
}

/** Repeating it may do something twice, unless a key says otherwise. */
export function isUnsafe(operation: HttpOperation): boolean {
  return !operation.guarantees.natural && !['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'].includes(operation.method)
}

/** It changes something: any method but the safe ones. */
export function changesState(operation: HttpOperation): boolean {
  return !['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'].includes(operation.method)
}

/** Who sends a message (by CloudEvents type) on a channel, with the message as the sender describes it. */
export function sendersOf(
  system: System,
  channel: string,
  type: string,
): readonly { readonly send: SendOperation; readonly message: Message }[] {
  return sendsOf(system)
    .filter((send) => send.channel === channel)
    .flatMap((send) => send.messages.filter((message) => message.type === type).map((message) => ({ send, message })))
}

/** Who receives any message of a send. */
export function receiversOf(system: System, send: SendOperation): readonly ReceiveOperation[] {
  const types = new Set(send.messages.map(({ type }) => type))
  return receivesOf(system).filter(
    (receive) => receive.channel === send.channel && receive.messages.some(({ type }) => types.has(type)),
  )
}

/** The document an operation stands in has begun to promise something. */
export function touchedFiles(system: System): ReadonlySet<string> {
  const files = new Set<string>()
  for (const service of servicesOf(system)) {
    for (const { guarantees, location } of allOf(service)) {
      if (Object.keys(guarantees.declared).length > 0) files.add(location.file)
    }
  }
  return files
}

/** Who answers for a service: its own owner, else the one its documents name. */
export function ownerOf(service: Service): string | undefined {
  return service.owner ?? allOf(service).find(({ integration }) => integration?.owner !== undefined)?.integration?.owner
}

/** The owner of a service, by name where it has none. */
export function answersFor(service: Service): string {
  return ownerOf(service) ?? service.name
}
