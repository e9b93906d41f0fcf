import type { Service, System } from '../model/system.ts'
import { ownerOf, sendsOf, receivesOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

/** Two can talk to each other. */
const MOST = 2

export const canonicalModel: Rule = {
  id: 'canonical-model',
  severity: 'warning',
  area: 'coupling',
  formats: ['openapi', 'asyncapi', 'spandrel'],
  law: `no schema is shared by the contracts of more than ${MOST} owners`,
  why:
    'One model for everybody belongs to nobody: a field that one team needs has to be agreed with all others, fits none ' +
    'of them, and is never removed. Each contract can say what it sends or reads in its own words; translating is cheap.',
  fix: 'let each contract describe what it sends or reads, and translate between them',
  *check({ system }) {
    if (new Set(servicesOf(system).map(ownerName)).size <= MOST) return
    const shared = Map.groupBy(uses(system), ({ place }) => place)
    for (const users of shared.values()) {
      const owners = [...new Set(users.map(({ service }) => ownerName(service)))].sort()
      const [first] = users
      if (first === undefined || owners.length <= MOST) continue
      yield {
        at: first.at,
        subject: first.name,
        message: `\`${first.name}\` is shared by the contracts of ${owners.length} owners: ${owners.join(', ')}`,
      }
    }
  },
}

function uses(system: System): readonly {
  readonly place: string
  readonly name: string
  readonly service: Service
  readonly at: Service['location']
}[] {
  return servicesOf(system).flatMap((service) =>
    Object.values(service.schemas)
      // Simple ones (a currency, an id) are shared like a unit of measure.
      .filter(({ schema }) => typeof schema === 'object' && ('properties' in schema || 'allOf' in schema))
      .map(({ name, location }) => ({
        place: `${location.file}#${location.pointer}`,
        name,
        service,
        at: location,
      })),
  )
}

function ownerName(service: Service): string {
  return ownerOf(service) ?? service.name
}

/** How many owners a new field of a message would involve: who sends it, and who receives it. */
export interface MessageOwners {
  /** `<service>.<message>`, by its (first) sender; by its receiver where nobody of the system sends it */
  readonly message: string
  readonly owners: readonly string[]
}

export function messageOwners(system: System): readonly MessageOwners[] {
  const found = new Map<string, { message: string; owners: Set<string> }>()
  for (const operation of [...sendsOf(system), ...receivesOf(system)]) {
    const service = system.services[operation.service]
    for (const { message, type } of operation.messages) {
      const key = `${operation.channel}\0${type}`
      const entry = found.get(key) ?? { message: `${operation.service}.${message}`, owners: new Set() }
      found.set(key, entry)
      if (service !== undefined) entry.owners.add(ownerName(service))
    }
  }
  return [...found.values()].map(({ message, owners }) => ({ message, owners: [...owners].sort() }))
}
