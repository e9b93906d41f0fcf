import type { ReceiveOperation } from '../model/message.ts'
import type { Service, System } from '../model/system.ts'
import type { Operation } from './operations.ts'
import { allOf, changesState, nameOf, receiversOf, sendersOf, servicesOf } from './operations.ts'
import { sendsOn } from './process-ways.ts'
import type { Rule } from './rule.ts'

export const compensationExists: Rule = {
  id: 'compensation-exists',
  severity: 'warning',
  area: 'compensation',
  formats: ['openapi', 'asyncapi'],
  law: 'each step of a process can be undone, or is the last',
  why:
    'A process over several services has no rollback. When a later step fails, the earlier ones have happened: stock is ' +
    'reserved, a card is charged. Each step that others follow needs an operation that undoes it.',
  fix: 'add an operation with `x-integration: { compensates: … }`, or leave the step out of the process',
  *check({ system }) {
    const undone = new Set(compensations(system).map(({ ref }) => ref))
    const conductors = new Set(
      servicesOf(system)
        .filter((one) => asksForUndoing(one, system) || beginsProcess(one, system))
        .map(({ name }) => name),
    )
    for (const service of servicesOf(system)) {
      if (conductors.has(service.name)) continue
      for (const operation of Object.values(service.receives)) {
        const process = operation.integration?.process
        if (process === undefined || operation.integration?.compensates !== undefined) continue
        if (undone.has(nameOf(operation)) || !isFollowed(service, process, system, conductors)) continue
        if (isAskedFor(operation, system, conductors)) continue
        yield {
          at: operation.location,
          subject: nameOf(operation),
          message: `\`${nameOf(operation)}\` is a step of \`${process}\` that others follow, and nothing undoes it`,
        }
      }
      for (const operation of Object.values(service.operations)) {
        const process = operation.integration?.process
        if (process === undefined || operation.integration?.compensates !== undefined) continue
        if (!changesState(operation) || undone.has(nameOf(operation))) continue
        if (isForUndoing(operation, system, conductors)) continue
        const called = service.external || isFollowed(service, process, system, conductors)
        if (!called) continue
        yield {
          at: operation.location,
          subject: nameOf(operation),
          message: `\`${nameOf(operation)}\` is a step of \`${process}\`, and nothing undoes it`,
        }
      }
    }
  },
}

/** Operations that undo, and what they undo as a full reference. */
export function compensations(system: System): readonly { readonly operation: Operation; readonly ref: string }[] {
  return servicesOf(system).flatMap((service) =>
    allOf(service).flatMap((operation) => {
      const ref = operation.integration?.compensates
      if (ref === undefined) return []
      return [{ operation, ref: ref.includes('.') ? ref : `${service.name}.${ref}` }]
    }),
  )
}

/**
 * It tells others to undo: what it does itself is the record of that. Who hears of an event and undoes something of its
 * own (a ledger, a refund) was not told to.
 */
function asksForUndoing(service: Service, system: System): boolean {
  return Object.values(service.sends).some((send) => {
    const commands = new Set(send.messages.filter(({ intent }) => intent === 'command').map(({ type }) => type))
    return receiversOf(system, send).some(
      (receive) =>
        receive.service !== service.name &&
        receive.integration?.compensates !== undefined &&
        receive.messages.some(({ type }) => commands.has(type)),
    )
  })
}

/** It promises others an outcome of the process, and no service calls it: what it accepted is the process itself. */
function beginsProcess(service: Service, system: System): boolean {
  return Object.values(service.operations).some(
    (operation) =>
      operation.integration?.process !== undefined &&
      operation.guarantees.completion !== undefined &&
      servicesOf(system).every(({ uses }) => !Object.hasOwn(uses, nameOf(operation))),
  )
}

/**
 * A conductor commands it, in a service that has another step, begun by an event: in a process where events lead on, a
 * command is what undoes.
 */
function isAskedFor(receive: ReceiveOperation, system: System, conductors: ReadonlySet<string>): boolean {
  const commanded = (one: ReceiveOperation): boolean => {
    const heard = one.messages.flatMap(({ type }) => sendersOf(system, one.channel, type))
    return (
      heard.length > 0 &&
      heard.every(({ send, message }) => message.intent === 'command' && conductors.has(send.service))
    )
  }
  const others = Object.values(system.services[receive.service]?.receives ?? {}).filter(
    ({ integration }) => integration?.process === receive.integration?.process,
  )
  return commanded(receive) && others.some((one) => !commanded(one))
}

/** All that calls it undoes something, or is asked to. */
function isForUndoing(operation: Operation, system: System, conductors: ReadonlySet<string>): boolean {
  const callers = servicesOf(system).flatMap((service) => {
    const use = Object.hasOwn(service.uses, nameOf(operation)) ? service.uses[nameOf(operation)] : undefined
    return use === undefined ? [] : (use.in ?? ['']).map((name) => service.receives[name])
  })
  return (
    callers.length > 0 &&
    callers.every(
      (caller) =>
        caller !== undefined &&
        (caller.integration?.compensates !== undefined || isAskedFor(caller, system, conductors)),
    )
  )
}

/** Another service's step of the process begins with what this one sends. */
function isFollowed(service: Service, process: string, system: System, conductors: ReadonlySet<string>): boolean {
  return Object.values(service.sends)
    .filter(({ integration }) => integration?.process === process)
    .some((send) =>
      receiversOf(system, send).some(
        (receive) =>
          receive.service !== service.name &&
          !conductors.has(receive.service) &&
          receive.integration?.process === process &&
          receive.integration.compensates === undefined &&
          leadsOn(receive.service, process, system),
      ),
    )
}

/** A service that only books what happened cannot fail the process: one that sends can. */
function leadsOn(name: string, process: string, system: System): boolean {
  const service = system.services[name]
  return service !== undefined && sendsOn(service, process)
}
