/** What message stimuli work with: trials, their messages, and a look at what came of them. Every step is noted. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { OutgoingMessage } from '@spandrel/runtime/operate'
import type { FaultProxy } from '../faults/tcp-proxy.ts'
import type { History } from '../history/history.ts'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import { buildMessage, keyPlace, payloadPlace, valueLike } from '../request/build-message.ts'
import type { MessageRoad } from '../wire/message-road.ts'
import type { EffectReader } from './effect-reader.ts'
import type { Profile } from './profile.ts'
import type { ServiceProcess } from './service-process.ts'

export interface MessageGiven {
  readonly road: MessageRoad
  /** aborted: the run is over, whatever is being waited for */
  readonly signal?: AbortSignal
  readonly process?: ServiceProcess
  readonly dependencies: readonly FaultProxy[]
  /** dead letters can be looked at, in tables of the runtime */
  readonly held: boolean
  /** operations whose effects are listed in their order by a database */
  readonly listed?: readonly string[]
  /** the other receive operations of the service */
  readonly siblings: readonly ReceiveFacts[]
}

export interface Identity {
  readonly id: string
  readonly marker: string
  readonly key: string
}

export interface Sending {
  readonly role: string
  readonly message: OutgoingMessage
  readonly identity: Identity
}

export class MessageAttack {
  readonly operation: ReceiveFacts
  readonly given: MessageGiven
  readonly profile: Profile
  readonly history: History
  readonly reader: EffectReader
  readonly #next: (kind: string) => string

  constructor(options: {
    operation: ReceiveFacts
    given: MessageGiven
    profile: Profile
    history: History
    reader: EffectReader
    next: (kind: string) => string
  }) {
    this.operation = options.operation
    this.given = options.given
    this.profile = options.profile
    this.history = options.history
    this.reader = options.reader
    this.#next = options.next
  }

  trial(stimulus: string, about: string, facts?: Record<string, unknown>): MessageTrial {
    const trial = this.#next('t')
    const { history, operation } = this
    history.add({
      type: 'trial',
      trial,
      stimulus,
      ref: operation.ref,
      about,
      at: history.clock(),
      ...(facts && { facts }),
    })
    return new MessageTrial(this, trial, this.#next)
  }

  /** How long an effect is waited for before it counts as lost: what the contract says, and time enough beyond that. */
  get patienceMs(): number {
    const { probe, retrySpanMs } = this.operation
    const least = { quick: 10_000, default: 30_000, deep: 90_000 }[this.profile.name]
    return Math.max(least, probe.settlesMs * 4) + retrySpanMs
  }
}

export class MessageTrial {
  readonly id: string
  readonly #attack: MessageAttack
  readonly #next: (kind: string) => string

  constructor(attack: MessageAttack, id: string, next: (kind: string) => string) {
    this.#attack = attack
    this.id = id
    this.#next = next
  }

  get clock(): () => number {
    return this.#attack.history.clock
  }

  /** A new intent: of a new ordering key, or of this one. */
  identity(key?: string): Identity {
    const { operation, reader } = this.#attack
    const [markerAt, keyAt] = [payloadPlace(operation.probe.marker), keyPlace(operation)]
    const own = key ?? valueLike(operation, keyAt, this.#next('k'))
    const one = markerAt !== undefined && keyAt !== undefined && markerAt.join('/') === keyAt.join('/')
    const marker = one ? own : valueLike(operation, markerAt, this.#next('m'))
    reader.know(marker, own)
    return { id: randomUUID(), marker, key: own }
  }

  message(role: string, identity: Identity = this.identity(), input?: unknown): Sending {
    return { role, identity, message: buildMessage(this.#attack.operation, identity, input) }
  }

  /** Gives messages to the road; resolves when they are the service's to handle. */
  async send(sendings: readonly Sending[], options: { together: boolean } = { together: false }): Promise<void> {
    const { history, operation, given } = this.#attack
    await this.lead(sendings)
    for (const { role, identity, message } of sendings) {
      const { id, source } = message.attributes
      const { marker, key } = identity
      const { channel, attributes, data } = message
      const at = history.clock()
      history.add({
        type: 'message',
        trial: this.id,
        role,
        at,
        ref: operation.ref,
        channel,
        id,
        source,
        marker,
        key,
        attributes,
        data,
      })
    }
    await given.road.deliver(
      sendings.map(({ message }) => message),
      options,
    )
  }

  readonly #led = new Set<string>()

  /** What has to happen first for a key (`x-probe.follows`), once. */
  async lead(sendings: readonly Sending[]): Promise<void> {
    const { operation, given, reader } = this.#attack
    const leader = given.siblings.find((one) => one.operation === operation.probe.follows)
    if (leader === undefined) return
    const led: Identity[] = []
    for (const { role, identity } of sendings) {
      // A poison may be one because nothing came before it.
      if (role === 'poison' || this.#led.has(identity.key)) continue
      this.#led.add(identity.key)
      led.push({ ...identity, id: randomUUID() })
    }
    if (led.length === 0) return
    await given.road.deliver(
      led.map((identity) => buildMessage(leader, identity)),
      { together: false },
    )
    const until = this.clock() + this.#attack.patienceMs
    for (const { marker } of led) {
      for (;;) {
        given.signal?.throwIfAborted()
        const { count = 0 } = await reader.read(leader, marker)
        if (count > 0 || this.clock() > until) break
        await pause(20)
      }
    }
  }

  /** Waits until each of these has as many effects, or the time is up; notes what was there at last. */
  async effects(markers: readonly string[], expected = 1, limitMs = this.#attack.patienceMs): Promise<boolean> {
    const until = this.clock() + limitMs
    const open = new Set(markers)
    for (;;) {
      this.#attack.given.signal?.throwIfAborted()
      const late = this.clock() > until
      await Promise.all(
        [...open].map(async (marker) => {
          const reading = await this.#attack.reader.read(this.#attack.operation, marker)
          const there = reading.count !== undefined && reading.count >= expected
          if (!there && !late) return
          this.note(marker, reading, late)
          if (there) open.delete(marker)
        }),
      )
      if (open.size === 0 || late) return open.size === 0
      // Many at once are looked at less often: looking must not be what keeps the service busy.
      await pause(Math.min(200, 15 + open.size * 5))
    }
  }

  /** How many of these have an effect now. */
  async count(markers: readonly string[]): Promise<number> {
    const { reader, operation } = this.#attack
    const readings = await Promise.all(markers.map((marker) => reader.read(operation, marker)))
    return readings.filter(({ count = 0 }) => count > 0).length
  }

  /** `settled`: all effects had their time. */
  note(marker: string, reading: { count?: number; why?: string }, settled: boolean): void {
    const { history, operation } = this.#attack
    history.add({
      type: 'effects',
      ref: operation.ref,
      trial: this.id,
      marker,
      at: history.clock(),
      settled,
      ...reading,
    })
  }

  /** In which order the effects of a key came. */
  async order(key: string, markers: readonly string[]): Promise<void> {
    const { history, operation, reader } = this.#attack
    const reading = await reader.order(operation, key, markers)
    history.add({ type: 'order', trial: this.id, key, at: history.clock(), ...reading })
  }
}
