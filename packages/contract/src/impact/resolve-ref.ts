import { didYouMean, listed } from '../findings/nearest.ts'
import type { Service, System } from '../model/system.ts'

/** What a reference names. A service stands for everything it offers. */
export type ImpactSubject =
  | { readonly kind: 'service'; readonly service: Service }
  | { readonly kind: 'operation'; readonly service: Service; readonly operation: string }
  | { readonly kind: 'send' | 'receive'; readonly service: Service; readonly operation: string }
  | { readonly kind: 'message'; readonly service: Service; readonly message: string }
  | { readonly kind: 'channel'; readonly address: string }

export type Resolved =
  | { readonly found: readonly [ImpactSubject, ...ImpactSubject[]] }
  /** nothing is called that; `hint` says what is */
  | { readonly found?: never; readonly hint: string }

/**
 * `orders`, `placeOrder`, `orders.placeOrder`, `orders.orderPlaced`, or the address of a channel. A bare name that
 * several services have means all of them.
 */
export function resolveRef(ref: string, system: System): Resolved {
  const services = Object.values(system.services)
  const whole = system.services[ref]
  if (whole !== undefined) return { found: [{ kind: 'service', service: whole }] }
  if (system.channels[ref] !== undefined) return { found: [{ kind: 'channel', address: ref }] }
  const dot = ref.indexOf('.')
  const owner = dot > 0 ? system.services[ref.slice(0, dot)] : undefined
  const among = owner === undefined ? services : [owner]
  const name = owner === undefined ? ref : ref.slice(dot + 1)
  const [first, ...more] = among.flatMap((service) => named(name, service))
  if (first !== undefined) return { found: [first, ...more] }
  const names = owner === undefined ? [...Object.keys(system.services), ...services.flatMap(namesOf)] : namesOf(owner)
  const otherwise = names.length === 0 ? 'it has no contract' : `there are: ${listed(names)}`
  return { hint: didYouMean(name, names, otherwise) }
}

function named(name: string, service: Service): ImpactSubject[] {
  if (service.operations[name] !== undefined) return [{ kind: 'operation', service, operation: name }]
  if (service.sends[name] !== undefined) return [{ kind: 'send', service, operation: name }]
  if (service.receives[name] !== undefined) return [{ kind: 'receive', service, operation: name }]
  const sent = Object.values(service.sends).some(({ messages }) => messages.some(({ message }) => message === name))
  return sent ? [{ kind: 'message', service, message: name }] : []
}

function namesOf(service: Service): string[] {
  const sent = Object.values(service.sends).flatMap(({ messages }) => messages.map(({ message }) => message))
  return [...Object.keys(service.operations), ...Object.keys(service.sends), ...Object.keys(service.receives), ...sent]
}
