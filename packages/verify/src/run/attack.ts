/** What a stimulus works with: it opens trials, sends their requests, and every step is in the history. */
import type { JsonSchema } from '@spandrel/contract'
import { setTimeout as pause } from 'node:timers/promises'
import type { FaultProxy } from '../faults/tcp-proxy.ts'
import type { History } from '../history/history.ts'
import type { EndRecord, InvokeRecord } from '../history/records.ts'
import type { Secrets } from '../history/secrets.ts'
import type { Ledger, Planted } from '../ledger/ledger.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { buildRequest, keyIsMarker, type Wanted } from '../request/build-request.ts'
import type { HeaderList, Outgoing } from '../wire/outgoing.ts'
import { prepare, type Prepared } from '../wire/prepare.ts'
import type { OperationBudget } from './budget.ts'
import type { Probe } from './count-effects.ts'
import type { Profile } from './profile.ts'
import type { ServiceProcess } from './service-process.ts'

/** What a run was given. */
export interface Given {
  /** base URLs of the service, at least one */
  readonly instances: readonly string[]
  /** headers of each caller; the first is the one everything else is sent as */
  readonly callers: readonly HeaderList[]
  /** headers of a caller of another tenant than the others */
  readonly tenant?: HeaderList
  readonly dependencies: readonly FaultProxy[]
  /** the other operations of the same service that are attacked */
  readonly siblings: readonly OperationFacts[]
  /** names of operations with a key that could be, and were left out of this run */
  readonly leftOut?: readonly string[]
  /** named schemas of the service */
  readonly schemas: Readonly<Record<string, JsonSchema>>
  /** how to kill and start the service */
  readonly process?: ServiceProcess
  /** where planted keys are noted */
  readonly ledger?: Ledger
  /** of an operation and a trial: where its outcome is to be called back; undefined: it calls nobody */
  readonly callbackUrl?: (ref: string, trial: string) => string | undefined
  /** planted keys that are to be sent again now */
  readonly due?: readonly Planted[]
}

export interface Sending extends Omit<Partial<Wanted>, 'key'> {
  /** `undefined`: none is sent; absent: the trial's */
  readonly key?: string | undefined
  readonly role: string
  /** what is special about it, in words */
  readonly about?: string
  /** index into `instances`, around it */
  readonly instance?: number
  /** index into `callers` */
  readonly caller?: number
  /** in place of a caller's */
  readonly as?: HeaderList
  readonly operation?: OperationFacts
  /** as it was sent once, to this run's instance and with its caller's headers */
  readonly exactly?: Planted['request']
}

export interface Sent {
  /** with the credentials, which `invoke` has not */
  readonly outgoing: Outgoing
  readonly invoke: InvokeRecord
  readonly prepared: Prepared
  readonly ended: Promise<EndRecord>
}

export class Attack {
  readonly operation: OperationFacts
  readonly given: Given
  readonly profile: Profile
  readonly history: History
  /** named schemas of the service */
  readonly schemas: Readonly<Record<string, JsonSchema>>
  /** 0 to 1, by the run's seed */
  readonly random: () => number
  readonly signal: AbortSignal | undefined
  /** prefix of every marker and key of this run */
  readonly run: string
  readonly #next: (kind: string) => string
  readonly #afterwards: (() => Promise<void>)[]
  readonly #budget: OperationBudget | undefined
  readonly #callMs: number
  readonly secrets: Secrets
  readonly probe: Probe

  constructor(options: {
    operation: OperationFacts
    given: Given
    profile: Profile
    history: History
    secrets: Secrets
    run: string
    probe: Probe
    next: (kind: string) => string
    schemas: Readonly<Record<string, JsonSchema>>
    afterwards: (() => Promise<void>)[]
    random: () => number
    /** what is on its way is given up then */
    signal?: AbortSignal
    /** default: as long as it takes */
    budget?: OperationBudget
    /** how long a call takes: a trial is not begun with less time left; default 0 */
    callMs?: number
  }) {
    this.operation = options.operation
    this.given = options.given
    this.secrets = options.secrets
    this.profile = options.profile
    this.history = options.history
    this.run = options.run
    this.probe = options.probe
    this.#next = options.next
    this.schemas = options.schemas
    this.random = options.random
    this.#afterwards = options.afterwards
    this.signal = options.signal
    this.#budget = options.budget
    this.#callMs = options.callMs ?? 0
  }

  /** Until nothing more may be sent or waited for; 0: it is over. */
  get leftMs(): number {
    return Math.max(0, this.#budget?.leftMs() ?? Infinity)
  }

  /** Throws `TimeIsUp` where less than this is left. */
  need(ms: number): void {
    this.#budget?.need(ms)
  }

  /** The time this takes is not counted. */
  async uncounted<T>(work: () => Promise<T>): Promise<T> {
    return this.#budget === undefined ? await work() : await this.#budget.uncounted(work)
  }

  /** To be done when all other stimuli of the service are. */
  afterwards(work: () => Promise<void>): void {
    this.#afterwards.push(work)
  }

  /** Throws `TimeIsUp` where there is no time for one. */
  trial(stimulus: string, about: string, facts?: Record<string, unknown>): Trial {
    this.signal?.throwIfAborted()
    this.need(this.#callMs)
    const trial = this.#next('t')
    this.history.add({
      type: 'trial',
      trial,
      stimulus,
      ref: this.operation.ref,
      about,
      at: this.history.clock(),
      ...(facts && { facts }),
    })
    return new Trial(this, trial, this.#next)
  }
}

/** One trial: its key and marker are its own. */
export class Trial {
  readonly id: string
  readonly key: string | undefined
  readonly marker: string
  readonly #attack: Attack
  readonly #next: (kind: string) => string

  constructor(attack: Attack, id: string, next: (kind: string) => string) {
    this.#attack = attack
    this.id = id
    this.#next = next
    this.marker = this.freshMarker()
    this.key = typeof attack.operation.idempotency === 'string' ? undefined : this.freshKey(this.marker)
  }

  freshMarker(): string {
    return this.#next('m')
  }

  freshKey(marker: string): string {
    return keyIsMarker(this.#attack.operation) ? marker : this.#next('k')
  }

  get clock(): () => number {
    return this.#attack.history.clock
  }

  /** What its requests are built with, with a marker and a key of its own or others. */
  wanted(marker = this.marker, key = this.key): Wanted {
    const { given, operation } = this.#attack
    const callback = given.callbackUrl?.(operation.ref, this.id)
    return { marker, ...(key !== undefined && { key }), ...(callback !== undefined && { callback }) }
  }

  /** Connects and sends all but the last byte. */
  async prepare(sending: Sending): Promise<Sent> {
    const { history, given, profile, operation: own, secrets, signal } = this.#attack
    const operation = sending.operation ?? own
    const marker = sending.marker ?? this.marker
    const key = 'key' in sending ? sending.key : this.key
    const instance = given.instances[(sending.instance ?? 0) % given.instances.length]!
    const caller = sending.as ?? given.callers[sending.caller ?? 0] ?? []
    const { input, render, scope } = sending
    const callback = given.callbackUrl?.(operation.ref, this.id)
    const outgoing =
      sending.exactly === undefined
        ? buildRequest(operation, instance, {
            marker,
            ...(key !== undefined && { key }),
            ...(input !== undefined && { input }),
            ...(render !== undefined && { render }),
            ...(scope !== undefined && { scope }),
            ...(callback !== undefined && { callback }),
            headers: [...caller, ...(sending.headers ?? [])],
          })
        : again(sending.exactly, instance, caller)
    const id = this.#next('r')
    const invoke: InvokeRecord = {
      type: 'invoke',
      id,
      trial: this.id,
      role: sending.role,
      ...(sending.about !== undefined && { about: sending.about }),
      at: history.clock(),
      ref: operation.ref,
      instance,
      ...outgoing,
      url: secrets.maskUrl(outgoing.url, [key, marker]),
      headers: secrets.mask(outgoing.headers),
      ...(key !== undefined && { key }),
      marker,
    }
    history.add(invoke)
    const timeoutMs = Math.max(1, Math.min(profile.timeoutMs, Math.ceil(this.#attack.leftMs)))
    const prepared = prepare(outgoing, { within: given.instances, clock: history.clock, timeoutMs })
    const giveUp = (): void => prepared.abort()
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted === true) giveUp()
    const ended = prepared.done.then(({ outcome, ...times }): EndRecord => {
      signal?.removeEventListener('abort', giveUp)
      const base = { id, at: history.clock(), ...times }
      const end: EndRecord =
        outcome.kind !== 'answer'
          ? { type: outcome.kind === 'unsent' ? 'fail' : 'unknown', ...base, why: outcome.why }
          : { type: typeOf(outcome.answer.status), ...base, ...outcome.answer }
      history.add(end)
      return end
    })
    await prepared.ready
    return { outgoing, invoke, prepared, ended }
  }

  /** Counts the effects of a marker now; `as`: under what name that is noted, for the last count is what is judged. */
  async count(marker: string, as: string): Promise<void> {
    const { history, operation, probe, leftMs } = this.#attack
    const reading = await probe.read(operation, marker, leftMs)
    history.add({
      type: 'effects',
      ref: operation.ref,
      trial: this.id,
      marker: as,
      at: history.clock(),
      settled: false,
      ...reading,
    })
  }

  async send(sending: Sending): Promise<EndRecord> {
    const { prepared, ended } = await this.prepare(sending)
    prepared.release()
    return await ended
  }

  async together(sendings: readonly Sending[]): Promise<EndRecord[]> {
    const all = await Promise.all(sendings.map((one) => this.prepare(one)))
    for (const { prepared } of all) prepared.release()
    return await Promise.all(all.map(({ ended }) => ended))
  }

  /**
   * Sends again until the answer is neither "still running" nor "try later", or the time is up. What a client does that
   * does not know what became of its request.
   */
  async insist(sending: Sending, limitMs: number): Promise<EndRecord> {
    const until = this.clock() + Math.min(limitMs, this.#attack.leftMs)
    for (;;) {
      const end = await this.send(sending)
      const busy = end.status === undefined || [409, 425, 429, 502, 503, 504].includes(end.status)
      if (!busy || this.clock() > until) return end
      await pause(Math.min(100, limitMs / 10))
    }
  }
}

/** Waits to the millisecond's fraction; timers are a millisecond late, which is longer than some handlers take. */
export async function waitUntil(clock: () => number, at: number): Promise<void> {
  const coarse = at - clock() - 2
  if (coarse > 0) await pause(coarse)
  while (clock() < at) await new Promise((resolve) => setImmediate(resolve))
}

function again({ method, path, headers, body }: Planted['request'], base: string, caller: HeaderList): Outgoing {
  return {
    method,
    url: `${base.replace(/\/$/, '')}${path}`,
    headers: [...headers, ...caller],
    ...(body !== undefined && { body }),
  }
}

function typeOf(status: number): 'ok' | 'fail' | 'unknown' {
  return status < 300 ? 'ok' : status < 500 ? 'fail' : 'unknown'
}
