import type { System } from '../model/system.ts'
import { answersFor, receivesOf, sendsOf } from './operations.ts'

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
      if (service !== undefined) entry.owners.add(answersFor(service))
    }
  }
  return [...found.values()].map(({ message, owners }) => ({ message, owners: [...owners].sort() }))
}
