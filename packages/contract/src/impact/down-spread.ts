import type { SourceLocation } from '../model/location.ts'
import type { ReceiveOperation, SendOperation } from '../model/message.ts'
import type { HttpOperation } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import type { Service, System, Use } from '../model/system.ts'
import { changesState } from '../rules/operations.ts'
import { inWords, retrySpan } from '../rules/durations.ts'
import type { DownEffect, DownStep, Outcome } from './down.ts'

type Own = HttpOperation | SendOperation | ReceiveOperation
type Told = Pick<DownEffect, 'outcome' | 'possible' | 'because' | 'chain'>

/** A service says nothing any more: surely, or as far as one can tell. */
interface Silence {
  readonly possible: boolean
  readonly chain: readonly DownStep[]
}

const RANK: Record<Outcome, number> = { waits: 1, degrades: 2, fails: 3 }

/**
 * Spreads the failure of one service until nothing changes. An effect only ever becomes worse or surer, so that
 * terminates, circles of calls included.
 *
 * Contracts do not say which message an operation sends in answer to what. So a service falls silent *surely* where
 * all that it takes in is held up, and *possibly* where some of it is.
 */
export class Spread {
  readonly #system: System
  readonly #down: Service
  readonly #effects = new Map<string, Told>()
  readonly #silent = new Map<string, Silence>()

  constructor(system: System, down: Service) {
    this.#system = system
    this.#down = down
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
            ...optional('owner', service.owner),
            kind: one.kind,
            ...told,
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
    return [...effects, ...[...this.#silent].map(([name, { possible }]) => `${name} ${possible}`)].join('\n')
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
    this.#silent.set(name, { possible: false, chain: [] })
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
      return { outcome: 'fails', possible: false, because, chain: [] }
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
          this.#tell(refOf(one), {
            outcome: told.outcome,
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
      const silence = this.#silent.get(provider)
      if (kind !== 'message' || silence === undefined || consumer === this.#down.name) continue
      const operation = `${consumer}.${receive}`
      if (silence.chain.some(({ from }) => from === operation)) continue
      const at = this.#system.services[consumer]?.receives[receive]?.location ?? location
      const step: DownStep = { from: operation, to: ref, relation: 'receives', style, location: at }
      this.#tell(operation, {
        outcome: 'waits',
        possible: silence.possible,
        because: `\`${ref}\` comes when \`${this.#down.name}\` is back`,
        chain: [step, ...silence.chain],
      })
    }
  }

  #silences(): void {
    for (const service of this.#others()) {
      const inputs = [...Object.values(service.operations).filter(changesState), ...Object.values(service.receives)]
      const held = inputs.flatMap((one) => {
        const told = this.#effects.get(refOf(one))
        return told === undefined || told.outcome === 'degrades' ? [] : [{ one, told }]
      })
      const [first] = [...held.filter(({ told }) => !told.possible), ...held]
      if (first === undefined) continue
      const possible = held.length < inputs.length || held.some(({ told }) => told.possible)
      if (this.#silent.get(service.name)?.possible === possible || this.#silent.get(service.name)?.possible === false) {
        continue
      }
      const { one, told } = first
      this.#silent.set(service.name, { possible, chain: told.chain.length === 0 ? [] : follows(one, told.chain) })
    }
  }

  /** Accepted work whose outcome comes from somebody who is held up. */
  #completions(): void {
    for (const service of this.#others()) {
      for (const one of ownOf(service)) {
        const { completion } = one.guarantees
        if (completion === undefined || this.#effects.get(refOf(one))?.possible === false) continue
        const source = completion.ref ?? ''
        const name = source.includes('.') ? source.slice(0, source.indexOf('.')) : service.name
        const silence = this.#silent.get(name)
        if (silence === undefined) continue
        const within = completion.withinMs === undefined ? '' : ` (promised within ${inWords(completion.withinMs)})`
        const to = source === '' || source.includes('.') ? source : `${service.name}.${source}`
        const step: DownStep = {
          from: refOf(one),
          to: to === '' ? service.name : to,
          relation: 'waits for',
          style: completion.by === 'event' || completion.by === 'reply' ? 'messaging' : 'rpc',
          location: one.guarantees.declared.completion ?? one.location,
        }
        this.#tell(refOf(one), {
          outcome: 'waits',
          possible: silence.possible,
          because: `it is accepted, and its outcome comes late${within}`,
          chain: [step, ...silence.chain],
        })
      }
    }
  }
}

function ownOf({ operations, sends, receives }: Service): readonly Own[] {
  return [...Object.values(operations), ...Object.values(sends), ...Object.values(receives)]
}

function refOf({ service, operation }: Own): string {
  return `${service}.${operation}`
}

function callersOf(service: Service, use: Use): readonly (HttpOperation | ReceiveOperation)[] {
  const all = [...Object.values(service.operations), ...Object.values(service.receives)]
  return use.in === undefined ? all : all.filter(({ operation }) => use.in?.includes(operation))
}

function styleAndPlace({ style, location }: Use): { style: Use['style']; location: SourceLocation } {
  return { style, location }
}

/** What a caller does while what it calls does not answer. */
function withoutTheAnswer(one: HttpOperation | ReceiveOperation, use: Use): Pick<Told, 'outcome' | 'because'> {
  if (use.fallback !== undefined) return { outcome: 'degrades', because: `fallback: ${use.fallback}` }
  if (use.style === 'messaging') return { outcome: 'waits', because: 'what it hands over is kept until it is taken' }
  if (use.style !== 'rpc') return { outcome: 'waits', because: 'it goes on with what it fetched last' }
  if (one.kind === 'http') return { outcome: 'fails', because: 'it waits for the answer, and declares no fallback' }
  const { values, declared } = one.guarantees
  if (declared.retry === undefined && declared.deadLetter === undefined) {
    return { outcome: 'waits', because: 'its message is tried again; how often, no `retry` or `deadLetter` says' }
  }
  const tries = values.retry === 'none' ? 'once' : `${values.retry.attempts} times in ${inWords(retrySpan(values))}`
  if (values.deadLetter === 'none') {
    return { outcome: 'fails', because: `its message is tried ${tries}, then discarded (\`deadLetter: none\`)` }
  }
  const { retentionMs, replay } = values.deadLetter
  if (replay === 'never') {
    return { outcome: 'fails', because: `its message is tried ${tries}, then a dead letter that is never replayed` }
  }
  const kept = `a dead letter for ${inWords(retentionMs)}, to be replayed`
  return { outcome: 'waits', because: `its message is tried ${tries}, then ${kept}` }
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
