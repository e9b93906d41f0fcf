import { createAccepts } from '../accepts/accepts.ts'
import type { AcceptsResult, Difference } from '../accepts/types.ts'
import type { Integration } from '../model/integration.ts'
import type { Schema } from '../model/schema.ts'
import { optional } from '../model/optional.ts'
import type { Service, System } from '../model/system.ts'
import type { Consumer, Policy } from './model.ts'

/** What a consumer's own schema is held against, and the difference that is asked about. */
export interface Judged {
  readonly payload: Schema
  readonly by: Service
  readonly difference: Difference
}

/**
 * Whoever does not fit the new schema may do so for another reason than this one: a consumer is broken by a difference
 * where its own schema differs in the same place.
 */
function fits(
  { answer, differences }: AcceptsResult,
  one: Difference,
  whose: string,
): Pick<Consumer, 'broken' | 'because'> {
  const same = differences.find(
    (other) =>
      other.path === one.path &&
      (other.keyword !== 'required' || one.keyword !== 'required' || other.reader.value === one.reader.value),
  )
  if (answer === 'yes' || same === undefined) return { broken: 'no', because: `${whose} fits the change` }
  const where = `\`${same.keyword}\` at \`${same.path === '' ? '/' : same.path}\``
  if (same.answer === 'no') return { broken: 'yes', because: `${whose} does not fit the change (${where})` }
  return { broken: 'unknown', because: `whether ${whose} fits the change could not be decided (${where})` }
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
    const users = this.#integrations().filter(({ kind, provider }) => kind === 'call' && provider === service)
    return this.#oneEach(users, ({ ref: used, consumer }) => {
      const calls = users.some((one) => one.consumer === consumer && one.ref === ref)
      return calls
        ? { through: ref, broken: 'yes', because: `calls ${ref}` }
        : { through: used, broken: 'no', because: `calls ${used} only` }
    })
  }

  /** Whoever receives a message of a service. With the new schema: broken only where its own no longer accepts it. */
  readers(service: string, message: string, sent?: Judged): readonly Consumer[] {
    const ref = `${service}.${message}`
    const edges = this.#integrations().filter((one) => one.kind === 'message' && one.ref === ref)
    return this.#oneEach(edges, ({ consumer, receive = '' }) => {
      const through = `${consumer}.${receive}`
      const reader = this.#service(consumer)
      const own = reader?.receives[receive]?.messages.find((one) => this.#sameType(service, message, one.type))
      if (sent === undefined || reader === undefined || own === undefined) {
        return { through, broken: 'yes', because: `receives ${ref}` }
      }
      const result = this.#accepts(own.payload, reader, sent.payload, sent.by)
      return { through, ...fits(result, sent.difference, 'its own schema') }
    })
  }

  /** Whoever sends to an address that a service receives from. */
  senders(service: string, channel: string, type: string, received?: Judged): readonly Consumer[] {
    const sends = this.#systems.flatMap((system) =>
      Object.values(system.services).flatMap((one) =>
        Object.values(one.sends)
          .filter((send) => send.channel === channel && one.name !== service)
          .flatMap((send) =>
            send.messages.filter((message) => message.type === type).map((message) => ({ one, send, message })),
          ),
      ),
    )
    return this.#unique(
      sends.map(({ one, send, message }) => {
        const through = `${one.name}.${send.operation}`
        const who = { service: one.name, ...optional('owner', one.owner), through }
        if (received === undefined) return { ...who, broken: 'yes', because: `sends ${message.type} to ${channel}` }
        const result = this.#accepts(received.payload, received.by, message.payload, one)
        return { ...who, ...fits(result, received.difference, 'what it sends') }
      }),
    )
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

  #integrations(): readonly Integration[] {
    return this.#systems.flatMap(({ integrations }) => integrations)
  }

  #oneEach(
    edges: readonly Integration[],
    judge: (edge: Integration) => Omit<Consumer, 'service' | 'owner'>,
  ): readonly Consumer[] {
    return this.#unique(
      edges.map((edge) => ({
        service: edge.consumer,
        ...optional('owner', this.ownerOf(edge.consumer)),
        ...judge(edge),
      })),
    )
  }

  #unique(all: readonly Consumer[]): readonly Consumer[] {
    const found = new Map<string, Consumer>()
    for (const one of all) {
      const key = `${one.service} ${one.through}`
      // Deployed is what was there before; what comes with the change itself may mend it, and may not.
      if (!found.has(key) || one.broken === 'yes') found.set(key, one)
    }
    return [...found.values()]
  }
}
