import type { SourceLocation } from '../model/location.ts'
import type { ReceiveOperation, SendOperation } from '../model/message.ts'
import type { HttpOperation } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import type { Service, System, Use } from '../model/system.ts'
import { inWords, retrySpan } from '../rules/durations.ts'
import { ownerOf } from '../rules/operations.ts'
import { callersOf, Causes, inputsOf, type MessageCauses } from './causes.ts'
import type { DownEffect, DownStep, Outcome } from './down.ts'

type Own = HttpOperation | SendOperation | ReceiveOperation
/** What does not go on by itself when the service is back: work that is gone, or a dead letter until it is replayed. */
type Fate = 'lost' | 'dead letter'
type Told = Pick<DownEffect, 'outcome' | 'possible' | 'because' | 'chain'> & { readonly fate?: Fate }

/** A message does not come, or a service says nothing at all: surely, or as far as one can tell. */
interface Silence {
  readonly possible: boolean
  /** of the work that it would speak about */
  readonly fate?: Fate | undefined
  readonly chain: readonly DownStep[]
}

const RANK: Record<Outcome, number> = { waits: 1, degrades: 2, fails: 3 }

/**
 * Spreads the failure of one service until nothing changes. An effect only ever becomes worse or surer, so that
 * terminates, circles of calls included.
 *
 * Contracts rarely say which message an operation sends in answer to what (`Causes` knows where they do). So a message
 * is missing *surely* where all that may lead to it is held up, and *possibly* where some of it is.
 */
export class Spread {
  readonly #system: System
  readonly #down: Service
  readonly #causes: Causes
  readonly #effects = new Map<string, Told>()
  /** by message (`orders.orderPlaced`), and by service for all of them */
  readonly #silent = new Map<string, Silence>()

  constructor(system: System, down: Service) {
    this.#system = system
    this.#down = down
    this.#causes = new Causes(system, down)
  }

  /** `service.operation` of everything that could be affected. */
  operations(): readonly string[] {
    return this.#services().flatMap((service) => ownOf(service).map((one) => refOf(one)))
  }

  /** In the order of spandrel.yaml. */
  effects(): readonly DownEffect[] {
    this.#ownOperations()
    for (let before = ''; before !== this.#state();) {
      before = this.#state()
      this.#calls()
      this.#messages()
      this.#silences()
    }
    this.#completions()
    return this.#services().flatMap((service) =>
      ownOf(service).flatMap((one) => {
        const told = this.#effects.get(refOf(one))
        if (told === undefined) return []
        return [
          {
            operation: refOf(one),
            service: service.name,
            ...optional('owner', ownerOf(service)),
            kind: one.kind,
            outcome: told.outcome,
            possible: told.possible,
            because: told.because,
            chain: told.chain,
            location: one.location,
          },
        ]
      }),
    )
  }

  #services(): readonly Service[] {
    return Object.values(this.#system.services)
  }

  #others(): readonly Service[] {
    return this.#services().filter((service) => service !== this.#down)
  }

  #state(): string {
    const effects = [...this.#effects].map(([ref, { outcome, possible }]) => `${ref} ${outcome} ${possible}`)
    return [...effects, ...[...this.#silent].map(([name, silence]) => `${name} ${strength(silence)}`)].join('\n')
  }

  #tell(ref: string, told: Told): void {
    const known = this.#effects.get(ref)
    // Surely waiting beats possibly failing: what is known comes first.
    const weight = ({ outcome, possible }: Told): number => (possible ? 0 : 10) + RANK[outcome]
    if (known === undefined || weight(told) > weight(known)) this.#effects.set(ref, told)
  }

  #ownOperations(): void {
    const { name, operations, receives, sends } = this.#down
    for (const one of Object.values(operations)) {
      this.#tell(refOf(one), { outcome: 'fails', possible: false, because: 'nobody answers', chain: [] })
    }
    for (const one of Object.values(receives)) this.#tell(refOf(one), this.#heldUp(one))
    for (const one of Object.values(sends)) {
      this.#tell(refOf(one), { outcome: 'waits', possible: false, because: 'nothing is sent', chain: [] })
    }
    const inputs = Object.values(receives).map((one) => this.#effects.get(refOf(one))?.fate)
    this.#silent.set(name, { possible: false, chain: [] })
    // With other inputs besides, contracts do not say which of its messages would have followed from what is lost.
    if (!inputs.includes('lost')) return
    const possible = inputs.some((fate) => fate !== 'lost')
    this.#silent.set(name, { possible, chain: [], fate: 'lost' })
  }

  /** What was sent to the service while it is down. */
  #heldUp(receive: ReceiveOperation): Told {
    const { channel } = receive
    const senders = this.#system.channels[channel]?.senders ?? []
    const atMost = senders.find(
      ({ service, operation }) =>
        this.#system.services[service]?.sends[operation]?.guarantees.values.delivery === 'at-most-once',
    )
    const lossy = receive.guarantees.values.delivery === 'at-most-once' ? refOf(receive) : undefined
    const promise = lossy ?? (atMost === undefined ? undefined : `${atMost.service}.${atMost.operation}`)
    if (promise !== undefined) {
      const because = `\`${promise}\` promises at-most-once: what is sent meanwhile may be lost`
      return { outcome: 'fails', possible: false, because, chain: [], fate: 'lost' }
    }
    const kept = this.#system.channels[channel]?.retentionMs
    const howLong = kept === undefined ? '' : `, for ${inWords(kept)}`
    const because = `messages stay in \`${channel}\` until it is back${howLong}`
    return { outcome: 'waits', possible: false, because, chain: [] }
  }

  #calls(): void {
    for (const service of this.#others()) {
      for (const use of Object.values(service.uses)) {
        const failed = this.#effects.get(use.ref)
        if (failed?.outcome !== 'fails') continue
        for (const one of callersOf(service, use)) {
          const step: DownStep = { from: refOf(one), to: use.ref, relation: 'calls', ...styleAndPlace(use) }
          const unsaid = use.in === undefined && callersOf(service, use).length > 1
          const told = withoutTheAnswer(one, use)
          if (told === undefined) continue
          this.#tell(refOf(one), {
            ...told,
            because: unsaid ? `${told.because}; \`uses\` does not say which operation calls (\`in\`)` : told.because,
            possible: failed.possible || unsaid,
            chain: [step, ...failed.chain],
          })
        }
      }
    }
  }

  /** Whoever receives from a service that is silent hears nothing until it speaks again. */
  #messages(): void {
    for (const { kind, provider, consumer, receive = '', ref, style, location } of this.#system.integrations) {
      const silence = this.#silent.get(provider === this.#down.name ? provider : ref)
      if (kind !== 'message' || silence === undefined || consumer === this.#down.name) continue
      const operation = `${consumer}.${receive}`
      if (silence.chain.some(({ from }) => from === operation)) continue
      const at = this.#system.services[consumer]?.receives[receive]?.location ?? location
      const step: DownStep = { from: operation, to: ref, relation: 'receives', style, location: at }
      this.#tell(operation, {
        outcome: silence.fate === 'lost' ? 'fails' : 'waits',
        possible: silence.possible,
        because: this.#lateness(ref, silence),
        chain: [step, ...silence.chain],
        ...optional('fate', silence.fate),
      })
    }
  }

  #lateness(message: string, { fate, chain }: Silence): string {
    if (fate === undefined) return `\`${message}\` comes when \`${this.#down.name}\` is back`
    const input = chain.findLast(({ relation }) => relation === 'follows')?.to ?? this.#down.name
    return fate === 'lost'
      ? `it never hears of what was discarded: no \`${message}\` comes for what \`${input}\` lost`
      : `\`${message}\` comes when somebody replays the dead letters of \`${input}\``
  }

  #silences(): void {
    for (const service of this.#others()) {
      this.#silence(service.name, { inputs: inputsOf(service), declared: false })
      const messages = Object.values(service.sends).flatMap((send) => send.messages.map(({ message }) => message))
      for (const message of new Set(messages)) {
        this.#silence(`${service.name}.${message}`, this.#causes.of(service, message))
      }
    }
  }

  #silence(name: string, { inputs, declared }: MessageCauses): void {
    const held = inputs.flatMap((one) => {
      const told = this.#effects.get(refOf(one))
      return told === undefined || told.outcome === 'degrades' ? [] : [{ one, told }]
    })
    const [first] = held.toSorted((one, other) => strength(other.told) - strength(one.told))
    if (first === undefined) return
    const { one, told } = first
    const unsure = held.some(
      (each) =>
        each.told.possible || (told.fate === 'lost' && each.one.kind === 'receive' && each.told.fate !== 'lost'),
    )
    const possible = held.length < inputs.length || unsure
    // What leads to the service that is down comes before it, and waits for it only where all that it follows from does.
    if (possible && !declared && this.#causes.leadTo(name)) return
    const silence = { possible, chain: told.chain, fate: told.fate }
    const known = this.#silent.get(name)
    if (known !== undefined && strength(known) >= strength(silence)) return
    this.#silent.set(name, { ...silence, chain: told.chain.length === 0 ? [] : follows(one, told.chain) })
  }

  /** Accepted work whose outcome comes from somebody who is held up. */
  #completions(): void {
    for (const service of this.#others()) {
      for (const one of ownOf(service)) {
        const { completion } = one.guarantees
        if (completion === undefined || this.#effects.get(refOf(one))?.possible === false) continue
        const source = completion.ref ?? ''
        const name = source.includes('.') ? source.slice(0, source.indexOf('.')) : service.name
        const to = source === '' || source.includes('.') ? source : `${service.name}.${source}`
        const silence =
          name === this.#down.name ? this.#silent.get(name) : (this.#silent.get(to) ?? this.#own(service, name))
        if (silence === undefined || isAboutAsking(silence, one)) continue
        const within = completion.withinMs === undefined ? '' : ` (promised within ${inWords(completion.withinMs)})`
        const step: DownStep = {
          from: refOf(one),
          to: to === '' ? service.name : to,
          relation: completion.by === 'status' ? 'asks' : 'waits for',
          style: completion.by === 'event' || completion.by === 'reply' ? 'messaging' : 'rpc',
          location: one.guarantees.declared.completion ?? one.location,
        }
        this.#tell(refOf(one), {
          outcome: silence.fate === 'lost' ? 'fails' : 'waits',
          possible: silence.possible,
          because: outcomeOfAccepted(silence, within),
          chain: [step, ...silence.chain],
        })
      }
    }
  }

  /** An outcome that is asked for at the service itself is known when it has heard of it. */
  #own(service: Service, name: string): Silence | undefined {
    return service.name === name ? this.#silent.get(name) : undefined
  }
}

/** What is sure comes first, then what is worst. */
function strength({ possible, fate }: Pick<Silence, 'possible' | 'fate'>): number {
  return (possible ? 0 : 10) + (fate === 'lost' ? 2 : fate === 'dead letter' ? 1 : 0)
}

/** The outcome is late only because it is asked for late: who asks does not wait for that. */
function isAboutAsking({ chain }: Silence, one: Own): boolean {
  if (one.kind !== 'send') return false
  const asked = one.messages.map(({ message }) => `${one.service}.${message}`)
  return chain.some(({ relation, to }) => relation === 'receives' && asked.includes(to))
}

function outcomeOfAccepted({ fate }: Silence, within: string): string {
  if (fate === 'lost') return `it is accepted, and the outcome of what was discarded never comes${within}`
  return fate === 'dead letter'
    ? `it is accepted, and its outcome comes when somebody replays the dead letters${within}`
    : `it is accepted, and its outcome comes late${within}`
}

function ownOf({ operations, sends, receives }: Service): readonly Own[] {
  return [...Object.values(operations), ...Object.values(sends), ...Object.values(receives)]
}

function refOf({ service, operation }: Own): string {
  return `${service}.${operation}`
}

function styleAndPlace({ style, location }: Use): { style: Use['style']; location: SourceLocation } {
  return { style, location }
}

/** What a caller does while what it calls does not answer; undefined where it goes on. */
function withoutTheAnswer(
  one: HttpOperation | ReceiveOperation,
  use: Use,
): Pick<Told, 'outcome' | 'because' | 'fate'> | undefined {
  if (use.fallback !== undefined) return { outcome: 'degrades', because: `fallback: ${use.fallback}` }
  if (use.style === 'messaging') return { outcome: 'waits', because: 'what it hands over is kept until it is taken' }
  // With `file` and `database` it goes on with what it fetched last.
  if (use.style !== 'rpc') return undefined
  if (one.kind === 'http') return { outcome: 'fails', because: 'it waits for the answer, and declares no fallback' }
  const { values, declared } = one.guarantees
  if (declared.retry === undefined && declared.deadLetter === undefined) {
    return { outcome: 'waits', because: 'its message is tried again; how often, no `retry` or `deadLetter` says' }
  }
  const tries = values.retry === 'none' ? 'once' : `${values.retry.attempts} times in ${inWords(retrySpan(values))}`
  if (values.deadLetter === 'none') {
    const because = `its message is tried ${tries}, then discarded (\`deadLetter: none\`)`
    return { outcome: 'fails', because, fate: 'lost' }
  }
  const { retentionMs, replay } = values.deadLetter
  if (replay === 'never') {
    const because = `its message is tried ${tries}, then a dead letter that is never replayed`
    return { outcome: 'fails', because, fate: 'lost' }
  }
  const kept = `a dead letter for ${inWords(retentionMs)}, to be replayed`
  return { outcome: 'waits', because: `its message is tried ${tries}, then ${kept}`, fate: 'dead letter' }
}

/** From a service that says nothing to why: its messages follow what it takes in. */
function follows(input: Own, chain: readonly DownStep[]): readonly DownStep[] {
  const step: DownStep = {
    from: input.service,
    to: refOf(input),
    relation: 'follows',
    style: chain[0]?.style ?? 'messaging',
    location: input.location,
  }
  return [step, ...chain]
}
