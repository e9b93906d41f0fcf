import type { ReceiveOperation, SendOperation } from '../model/message.ts'
import type { HttpOperation } from '../model/operation.ts'
import type { Service, System, Use } from '../model/system.ts'
import { changesState } from '../rules/operations.ts'

/** What makes a service do something. */
export type Input = HttpOperation | ReceiveOperation

export function inputsOf({ operations, receives }: Service): readonly Input[] {
  return [...Object.values(operations).filter(changesState), ...Object.values(receives)]
}

/** The operations that make a call; all of them where `uses` has no `in`. */
export function callersOf(service: Service, use: Use): readonly Input[] {
  const all = [...Object.values(service.operations), ...Object.values(service.receives)]
  return use.in === undefined ? all : all.filter(({ operation }) => use.in?.includes(operation))
}

/** What may lead to a message. */
export interface MessageCauses {
  readonly inputs: readonly Input[]
  /** a `completion` names the message; otherwise each of the inputs could be it */
  readonly declared: boolean
}

/**
 * Which input of a service leads to which of its messages, as far as contracts say. A `completion` says it: the outcome
 * of a request follows from the request, and a request that has an outcome leads to nothing else. So does a `process`:
 * a message of one follows from inputs of the same. Any other message may follow from any other input.
 */
export class Causes {
  readonly #system: System
  readonly #leading: ReadonlySet<string>

  constructor(system: System, down: Service) {
    this.#system = system
    this.#leading = this.#before(down)
  }

  of(service: Service, message: string): MessageCauses {
    const outcomes = inputsOf(service).map((input) => ({ input, outcome: this.#outcomeOf(input, service) }))
    const asked = outcomes.filter(({ outcome }) => outcome === `${service.name}.${message}`)
    if (asked.length > 0) return { inputs: asked.map(({ input }) => input), declared: true }
    const open = outcomes.filter(({ outcome }) => outcome === undefined)
    const inputs = (open.length > 0 ? open : outcomes).map(({ input }) => input)
    const process = processOf(service, message)
    const same = inputs.filter(({ integration }) => process !== undefined && integration?.process === process)
    return { inputs: same.length > 0 ? same : inputs, declared: false }
  }

  /**
   * Does this message lead to the service that is down? `orderPlaced` leads to shipping, by way of stock and payment;
   * so nobody who hears of an order waits for shipping.
   */
  leadTo(message: string): boolean {
    return this.#leading.has(message)
  }

  /** The message of the service that a request is completed by, where whoever sends the request says so. */
  #outcomeOf(input: Input, service: Service): string | undefined {
    if (input.kind === 'http') {
      const { completion } = input.guarantees
      const { ref } = completion ?? {}
      if (ref === undefined || completion?.by !== 'event') return undefined
      const whole = ref.includes('.') ? ref : `${service.name}.${ref}`
      return whole.startsWith(`${service.name}.`) ? whole : undefined
    }
    const refs = this.#sends(input).map(({ guarantees }) => guarantees.completion?.ref)
    return refs.find((ref) => ref?.startsWith(`${service.name}.`))
  }

  /** Who sends what an operation receives. */
  #sends(receive: ReceiveOperation): readonly SendOperation[] {
    const types = new Set(receive.messages.map(({ type }) => type))
    return Object.values(this.#system.services).flatMap(({ sends }) =>
      Object.values(sends).filter(
        ({ channel, messages }) => channel === receive.channel && messages.some(({ type }) => types.has(type)),
      ),
    )
  }

  /**
   * Back from what the service takes in, and from who surely calls it, to where it began. A way does not pass through
   * one service twice: what a service hears from those after it is their answer, and not what made it begin. It ends
   * where contracts leave open which of several messages came before. Where the service that is down may have begun
   * itself, only a `process` tells that another one did.
   */
  #before(down: Service): ReadonlySet<string> {
    const found = new Set<string>()
    const began = inputsOf(down).some(({ kind }) => kind === 'http')
    const visit = (input: Input, path: readonly string[]): void => {
      if (input.kind === 'http') return
      const types = new Set(input.messages.map(({ type }) => type))
      for (const send of this.#sends(input)) {
        const sender = this.#system.services[send.service]
        if (sender === undefined || path.includes(sender.name)) continue
        for (const { message, type } of send.messages) {
          if (!types.has(type)) continue
          const { inputs } = this.of(sender, message)
          const known = processOf(sender, message) !== undefined && inputs.some(({ kind }) => kind === 'http')
          if (!began || known) found.add(`${sender.name}.${message}`)
          const way = [...path, sender.name]
          const heard = inputs.filter(
            (one): one is ReceiveOperation => one.kind === 'receive' && this.#comesFromBefore(one, way),
          )
          // What undoes a step leads nowhere.
          const forward = heard.filter(({ integration }) => integration?.compensates === undefined)
          const [only, ...others] = forward.length > 0 ? forward : heard
          if (only !== undefined && others.length === 0) visit(only, way)
        }
      }
    }
    for (const input of inputsOf(down)) visit(input, [down.name])
    for (const service of Object.values(this.#system.services)) {
      const calls = Object.values(service.uses).filter((use) => use.service === down.name && use.in !== undefined)
      for (const use of calls) for (const one of callersOf(service, use)) visit(one, [down.name, service.name])
    }
    return found
  }

  #comesFromBefore(receive: ReceiveOperation, way: readonly string[]): boolean {
    return this.#sends(receive).some(({ service }) => !way.includes(service))
  }
}

function processOf({ sends }: Service, name: string): string | undefined {
  return Object.values(sends).find(({ messages }) => messages.some(({ message }) => message === name))?.integration
    ?.process
}
