import type { Service, System } from '@spandrel/contract'
import { variable } from './database-url.ts'

/**
 * A service without our code: it says where its messages are to be posted, or that it has a database of its own and is
 * not on the runtime. (One on the runtime that forgot to say `keys: service` gets a second relay, which changes nothing:
 * one works at a time.)
 */
export function isForeign(service: Service): boolean {
  if (Object.keys(service.sends).length + Object.keys(service.receives).length === 0) return false
  return service.events !== undefined || (service.database !== undefined && service.keys === 'gateway')
}

/** Sent with every message that is pushed to it: `LEDGER_EVENTS_AUTHORIZATION`. */
export function pushHeaders(service: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const authorization = env[variable(service, 'EVENTS_AUTHORIZATION')]
  return authorization === undefined || authorization === '' ? {} : { authorization }
}

/** Whether any service of ours is asked over HTTP. */
export function needsGateway(system: System): boolean {
  return Object.values(system.services).some(
    (service) => !service.external && Object.keys(service.operations).length > 0,
  )
}
