import { createAccepts } from '../accepts/accepts.ts'
import type { AcceptsResult, Difference } from '../accepts/types.ts'
import type { Integration } from '../model/integration.ts'
import type { Schema, UnreadSchema } from '../model/schema.ts'
import { optional } from '../model/optional.ts'
import type { Service, System } from '../model/system.ts'
import type { AsyncOperation } from './checks/messaging/async-pair.ts'
import type { Consumer, Policy } from './model.ts'

/** What a consumer's own schema is held against, and the difference that is asked about. */
export interface Judged {
  readonly payload: Schema
  readonly by: Service
  readonly difference: Difference
}

/** A consumer as one of the systems has it. `because` is told which one only where the systems differ. */
interface Found extends Omit<Consumer, 'because'> {
  readonly because: (when: string) => string
  readonly system: System
}

/** Whether somebody fits a change, and why. */
export type Fit = Pick<Found, 'broken' | 'because'>

const rank: Readonly<Record<Consumer['broken'], number>> = { no: 0, unknown: 1, yes: 2 }

/**
 * Whoever does not fit the new schema may do so for another reason than this one: a consumer is broken by a difference
 * where its own schema differs in the same place.
 */
function fits({ answer, differences }: AcceptsResult, one: Difference, whose: string): Fit {
  const same = differences.find(
    (other) =>
      other.path === one.path &&
      (other.keyword !== 'required' || one.keyword !== 'required' || other.reader.value === one.reader.value),
  )
  if (answer === 'yes' || same === undefined) {
    return { broken: 'no', because: (when) => `${whose}${when} fits the change` }
  }
  const where = `\`${same.keyword}\` at \`${same.path === '' ? '/' : same.path}\``
  if (same.answer === 'no') {
    return { broken: 'yes', because: (when) => `${whose}${when} does not fit the change (${where})` }
  }
  const because = (when: string): string => `whether ${whose}${when} fits the change could not be decided (${where})`
  return { broken: 'unknown', because }
}

function notRead(whose: string, { format }: UnreadSchema): Fit {
  return { broken: 'unknown', because: () => `${whose} is in \`${format}\`, which is not read` }
}

/**
 * Who relies on what, by `spandrel.yaml`: the consumers before the change, as they are deployed, and those after it.
 * Where documents alone are compared it is the system that names them, or nobody.
 */
export class Landscape {
  readonly #systems: readonly System[]
  readonly #policy: Policy
  readonly #results = new Map<Schema, Map<Schema, AcceptsResult>>()

  /** the latest last */
  constructor(systems: readonly System[], policy: Policy) {
    this.#systems = systems
    this.#policy = policy
  }

  /** Whoever calls an operation is taken to be broken by what breaks it: `uses` does not say which part it needs. */
  callers(service: string, operation: string): readonly Consumer[] {
    const ref = `${service}.${operation}`
    const users = this.#edges(({ kind, provider }) => kind === 'call' && provider === service)
    return this.#unique(
      users.map(({ system, edge: { ref: used, consumer } }) => {
        const all = [...new Set(users.filter(({ edge }) => edge.consumer === consumer).map(({ edge }) => edge.ref))]
        // Once each: by this operation, or by the first of the others.
        if (all.includes(ref))
          return { ...this.#who(consumer, ref, system), broken: 'yes', because: () => `calls ${ref}` }
        const because = `calls ${all.join(' and ')} only`
        return { ...this.#who(consumer, all[0] ?? used, system), broken: 'no', because: () => because }
      }),
    )
  }

  /**
   * Whoever receives a message of a service. With the new schema: broken only where its own does not accept it, as it
   * is deployed, or as the change has it. Both count: nobody deploys two services in the same moment.
   */
  readers(service: string, message: string, sent?: Judged): readonly Consumer[] {
    const ref = `${service}.${message}`
    const edges = this.#edges((one) => one.kind === 'message' && one.ref === ref)
    return this.#unique(
      edges.map(({ system, edge: { consumer, receive = '' } }) => {
        const who = this.#who(consumer, `${consumer}.${receive}`, system)
        const reader = system.services[consumer]
        const own = reader?.receives[receive]?.messages.find((one) => this.#sameType(service, message, one.type))
        if (sent === undefined || reader === undefined || own === undefined) {
          return { ...who, broken: 'yes', because: () => `receives ${ref}` }
        }
        if (own.payload.unread !== undefined) return { ...who, ...notRead('its own schema', own.payload.unread) }
        const result = this.#accepts(own.payload, reader, sent.payload, sent.by)
        return { ...who, ...fits(result, sent.difference, 'its own schema') }
      }),
    )
  }

  /** Whoever sends to an address that a service receives from. */
  senders(service: string, channel: string, type: string, received?: Judged): readonly Consumer[] {
    const sends = this.#systems.flatMap((system) =>
      Object.values(system.services).flatMap((one) =>
        Object.values(one.sends)
          .filter((send) => send.channel === channel && one.name !== service)
          .flatMap((send) =>
            send.messages.filter((message) => message.type === type).map((message) => ({ system, one, send, message })),
          ),
      ),
    )
    return this.#unique(
      sends.map(({ system, one, send, message }) => {
        const who = this.#who(one.name, `${one.name}.${send.operation}`, system)
        if (received === undefined) {
          return { ...who, broken: 'yes', because: () => `sends ${message.type} to ${channel}` }
        }
        const { unread } = message.payload
        if (unread !== undefined) return { ...who, ...notRead('what it sends', unread) }
        const result = this.#accepts(received.payload, received.by, message.payload, one)
        return { ...who, ...fits(result, received.difference, 'what it sends') }
      }),
    )
  }

  /**
   * Whoever sends to a service that no longer receives. An event expects nothing of who hears it; a command is somebody's
   * work, and so is what is promised a completion or a reply.
   */
  leftBy(service: string, channel: string, types: readonly string[]): readonly Consumer[] {
    const sends = (other: AsyncOperation): boolean =>
      other.channel === channel && other.messages.some(({ type }) => types.includes(type))
    return this.otherEnd(service, 'receive', sends, (send) => {
      const awaited = awaitedOf(send, types)
      return awaited === undefined
        ? { broken: 'no', because: () => `sends to ${channel} what expects nothing of who receives it` }
        : { broken: 'yes', because: () => `sends ${awaited} to ${channel}, and waits for what comes of it` }
    })
  }

  /** Whoever has the other end of an operation, by what it says of that itself. */
  otherEnd(
    service: string,
    kind: AsyncOperation['kind'],
    meets: (other: AsyncOperation) => boolean,
    judge: (other: AsyncOperation, by: Service) => Fit,
  ): readonly Consumer[] {
    return this.#unique(
      this.#systems.flatMap((system) =>
        Object.values(system.services)
          .filter(({ name }) => name !== service)
          .flatMap((by) =>
            Object.values<AsyncOperation>(kind === 'send' ? by.receives : by.sends)
              .filter(meets)
              .map((one) => ({ ...this.#who(by.name, `${by.name}.${one.operation}`, system), ...judge(one, by) })),
          ),
      ),
    )
  }

  /** Everybody who receives a message of another; what it means to it, nobody can know. */
  allReaders(because: (edge: Integration) => string): readonly Consumer[] {
    return this.#unique(
      this.#edges(({ kind }) => kind === 'message').map(({ system, edge }) => ({
        ...this.#who(edge.consumer, `${edge.consumer}.${edge.receive ?? ''}`, system),
        broken: 'unknown',
        because: () => because(edge),
      })),
    )
  }

  /** Whoever shares messages with a service, or calls it: the first need a transport between them, the others its URL. */
  partners(service: string): readonly Consumer[] {
    const edges = this.#edges(({ provider, consumer }) => provider === service || consumer === service)
    return this.#unique(
      edges.flatMap(({ system, edge: { kind, provider, consumer, ref, receive = '' } }): Found[] => {
        if (kind === 'message') {
          const receives = provider === service
          const who = this.#who(receives ? consumer : provider, receives ? `${consumer}.${receive}` : ref, system)
          return [{ ...who, broken: 'yes', because: () => (receives ? `receives ${ref}` : `sends ${ref} to it`) }]
        }
        if (provider !== service) return []
        return [{ ...this.#who(consumer, ref, system), broken: 'no', because: () => `calls ${ref} at its own URL` }]
      }),
    )
  }

  /** Whoever has a step in a workflow. */
  steps(workflow: string): readonly Consumer[] {
    return this.#unique(
      this.#systems.flatMap((system) =>
        Object.values(system.services).flatMap(({ name, operations, sends, receives }) =>
          [...Object.values(operations), ...Object.values(sends), ...Object.values(receives)]
            .filter(({ integration }) => integration?.process === workflow)
            .map(({ operation }): Found => {
              const ref = `${name}.${operation}`
              return { ...this.#who(name, ref, system), broken: 'unknown', because: () => `${ref} is a step of it` }
            }),
        ),
      ),
    )
  }

  /** Whoever calls one of several operations of a service, and may feel what happens to them. */
  callersOfAny(service: string, operations: readonly string[]): readonly Consumer[] {
    const all = operations.flatMap((operation) => this.callers(service, operation))
    return union(all.flatMap((one) => (one.broken === 'yes' ? [{ ...one, broken: 'unknown' as const }] : [])))
  }

  ownerOf(service: string): string | undefined {
    return this.#service(service)?.owner
  }

  #accepts(reader: Schema, readerService: Service, writer: Schema, writerService: Service): AcceptsResult {
    const known = this.#results.get(reader)?.get(writer)
    if (known !== undefined) return known
    const accepts = createAccepts({
      policy: this.#policy,
      readerSchemas: readerService.schemas,
      writerSchemas: writerService.schemas,
    })
    const result = accepts(reader.schema, writer.schema)
    const results = this.#results.get(reader) ?? new Map<Schema, AcceptsResult>()
    this.#results.set(reader, results.set(writer, result))
    return result
  }

  #sameType(service: string, message: string, type: string): boolean {
    return this.#systems.some((system) => {
      const sent = Object.values(system.services[service]?.sends ?? {}).flatMap(({ messages }) => messages)
      return sent.some((one) => one.message === message && one.type === type)
    })
  }

  #service(name: string): Service | undefined {
    for (const system of this.#systems.toReversed()) {
      const found = system.services[name]
      if (found !== undefined) return found
    }
    return undefined
  }

  #edges(wanted: (edge: Integration) => boolean): readonly { readonly system: System; readonly edge: Integration }[] {
    return this.#systems.flatMap((system) => system.integrations.filter(wanted).map((edge) => ({ system, edge })))
  }

  #who(service: string, through: string, system: System): Pick<Found, 'service' | 'owner' | 'through' | 'system'> {
    return { service, ...optional('owner', this.ownerOf(service)), through, system }
  }

  /** Deployed is what was there before; what comes with the change itself may mend it, and may not: the worst counts. */
  #unique(all: readonly Found[]): readonly Consumer[] {
    const groups = new Map<string, [Found, ...Found[]]>()
    for (const one of all) {
      const key = `${one.service} ${one.through}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [one])
      else group.push(one)
    }
    return [...groups.values()].map((group) => {
      const { system, because, ...worst } = group.reduce((a, b) => (rank[b.broken] > rank[a.broken] ? b : a))
      const differ = group.some(({ broken }) => broken !== worst.broken)
      const when = system === this.#systems.at(-1) ? ', as this change has it,' : ', as it is deployed now,'
      return { ...worst, because: because(differ ? when : '') }
    })
  }
}

/** The type of a message that somebody has to act on, if a send has one of these. */
export function awaitedOf(
  { messages, reply, guarantees }: Pick<AsyncOperation, 'messages' | 'reply' | 'guarantees'>,
  types?: readonly string[],
): string | undefined {
  const own = messages.filter(({ type }) => types === undefined || types.includes(type))
  const promised = reply !== undefined || guarantees.completion !== undefined
  return own.find(({ intent }) => promised || intent === 'command')?.type
}

/** Everybody who could be broken is known, and is not. */
export function breaksNobody(consumers: readonly Consumer[]): boolean {
  return consumers.length > 0 && consumers.every(({ broken }) => broken === 'no')
}

/** Who is met more than once is named once: broken by one of the places is broken. */
export function union(...all: readonly (readonly Consumer[])[]): readonly Consumer[] {
  const found = new Map<string, Consumer>()
  for (const consumer of all.flat()) {
    const key = `${consumer.service} ${consumer.through}`
    const known = found.get(key)
    if (known === undefined || rank[known.broken] < rank[consumer.broken]) found.set(key, consumer)
  }
  return [...found.values()]
}
