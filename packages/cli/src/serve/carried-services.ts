/** Which services' messages `serve` carries, and how. */
import type { Service, System } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import { shown } from '../system/find-config.ts'
import { isForeign } from '../system/foreign.ts'
import { chooseServices, nearest } from '../system/open-system.ts'

const partNames = ['gateway', 'relay', 'push'] as const
export type Part = (typeof partNames)[number]

export interface CarriedService {
  name: string
  relay: boolean
  /** where its messages are POSTed */
  push?: string
}

/** `serve` alone and `serve all` mean everything. */
export function partsOf(args: readonly string[]): Part[] {
  if (args.length === 0 || args.includes('all')) return [...partNames]
  return args.map((text) => {
    const part = partNames.find((one) => one === text)
    if (part !== undefined) return part
    const near = nearest(text, [...partNames, 'all'])
    throw new CommandError(`there is nothing called ${text} to serve`, {
      where: 'serve',
      fix: near === undefined ? `one of ${partNames.join(', ')}, all` : `did you mean ${near}?`,
    })
  })
}

/**
 * Services without our code; of those that are named, also ones on the runtime, whose relay may run apart. Throws where a
 * service is named that has nothing to carry.
 */
export function carriedServices(
  system: System,
  parts: readonly Part[],
  named: readonly string[] | undefined,
): CarriedService[] {
  if (!parts.includes('relay') && !parts.includes('push')) return []
  const carried: CarriedService[] = []
  for (const name of chooseServices(system, named, '--service')) {
    const service = system.services[name]!
    if (service.external || (named === undefined && !isForeign(service))) continue
    const relay = parts.includes('relay') && Object.keys(service.sends).length > 0
    const push = parts.includes('push') && service.events !== undefined ? pushUrl(service, system) : undefined
    if (relay || push !== undefined) carried.push({ name, relay, ...(push !== undefined && { push }) })
    else if (named !== undefined) throw nothingToCarry(service, parts)
  }
  return carried
}

function pushUrl(service: Service, system: System): string | undefined {
  if (Object.keys(service.receives).length === 0) return undefined
  const { value, missing = [] } = service.events ?? {}
  if (value !== undefined) return value
  throw new CommandError(`it is not known where the messages of ${service.name} are to be posted`, {
    where: shown(service.events?.location.file ?? system.file),
    fix: `set ${missing.join(', ') || 'its `events` in spandrel.yaml'}`,
  })
}

function nothingToCarry(service: Service, parts: readonly Part[]): CommandError {
  const { name } = service
  const receives = Object.keys(service.receives).length > 0
  return new CommandError(`${name} has nothing to carry: ${parts.join(' and ')} would do nothing for it`, {
    where: shown(service.location.file),
    fix: receives
      ? `to post it its messages, give services.${name} \`events\`; on the runtime it receives them itself`
      : 'name a service that sends messages, or one with `events`',
  })
}
