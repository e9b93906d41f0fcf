/** The acts of one subscription that run: outside any transaction, each under its leased key record. */
import { faults } from '#faults'
import { randomUUID } from 'node:crypto'
import { CallError } from '../calls/call-error.ts'
import { brokeOff, neverConnected } from '../calls/connection-failure.ts'
import type { ServiceContract } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import { Outage, SpandrelError } from '../errors.ts'
import { actKey, renewActs } from './act-claims.ts'
import { attemptsOf, type Entry } from './entry.ts'
import { judge } from './failure.ts'
import type { ActContext, ReceivedMessage } from './handlers.ts'
import { inTime, noteText } from './invoke.ts'
import type { ConsumerCall } from './options.ts'

export interface ActsOptions<Tx> {
  contract: ServiceContract
  database: Database<Tx>
  owner: string
  leaseMs: number
  renewMs: number
  cutOff: AbortSignal
  call: ConsumerCall | undefined
  /** whether its operation is paused, and this is the one message that finds out whether the outage is over */
  probes: (entry: Entry<Tx>) => boolean
  /** whether its partition is still this process's own */
  owned: (entry: Entry<Tx>) => boolean
  /** an act has ended: the entry has its result, a verdict, or neither and has to be done again */
  ended: (
    entry: Entry<Tx>,
    outage: { operation: string; retryAfterMs: number | undefined; message: string } | undefined,
  ) => void
}

export class Acts<Tx> {
  readonly #options: ActsOptions<Tx>
  /** claimed and not yet done: their leases are renewed until the commit of `handle` */
  readonly #claimed = new Set<Entry<Tx>>()
  readonly #running = new Map<Entry<Tx>, AbortController>()
  /** probes whose connection broke off */
  readonly #broke = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #renewing = false

  constructor(options: ActsOptions<Tx>) {
    this.#options = options
  }

  /** How many more may begin. */
  room(max: number): number {
    return Math.max(0, max - this.#running.size)
  }

  begin(entry: Entry<Tx>): void {
    const controller = new AbortController()
    this.#running.set(entry, controller)
    this.#claimed.add(entry)
    this.#timer ??= setInterval(() => void this.#renew(), this.#options.renewMs)
    void this.#act(entry, controller)
  }

  /** Its key is done, or somebody else's business. */
  forget(entry: Entry<Tx>): void {
    this.#claimed.delete(entry)
    if (this.#claimed.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  /** Tells acts that their results will not be used. */
  abandon(which: (entry: Entry<Tx>) => boolean): void {
    for (const [entry, controller] of this.#running) {
      if (which(entry))
        controller.abort(new SpandrelError('lost-ownership', 'the partition of this message has another owner'))
    }
    for (const entry of this.#claimed) if (which(entry)) this.forget(entry)
  }

  async #act(entry: Entry<Tx>, controller: AbortController): Promise<void> {
    const { contract, cutOff, call, ended } = this.#options
    const probes = this.#options.probes(entry)
    const { prepared, claim } = entry
    const handler = prepared?.operation.handler
    let outage: { operation: string; retryAfterMs: number | undefined; message: string } | undefined
    if (prepared !== undefined && claim !== undefined && handler?.style === 'external') {
      const { operation, message } = prepared
      const key = faults.mutant('keys-off') ? randomUUID() : actKey(contract.service, operation.name, claim)
      const notes: string[] = []
      const timeoutMs = operation.timeoutMs
      const timer = setTimeout(
        () => controller.abort(new SpandrelError('timeout', `${operation.name} has no time left`)),
        timeoutMs,
      )
      const signal = AbortSignal.any([controller.signal, cutOff])
      const deadline = Date.now() + timeoutMs
      const context: ActContext = {
        key,
        call: ((ref: string, input: unknown) => {
          if (call === undefined)
            throw new SpandrelError(
              'wrong-configuration',
              `${operation.name} called ${ref}, and this consumer cannot call`,
            )
          return call(ref, input, { key, signal, deadline, cause: message })
        }) as ActContext['call'],
        note: (text) => notes.push(noteText(text)),
        signal,
      }
      try {
        const result = await inTime(operation.name, timeoutMs, cutOff, () => handler.parts.act(message, context))
        await faults.point('consumer.acted')
        entry.acted = { result, notes }
        this.#broke.delete(identity(message))
      } catch (error) {
        const down = outageOf(error)
        if (down !== undefined)
          outage = { operation: operation.name, retryAfterMs: down.retryAfterMs, message: down.message }
        if (down !== undefined && !(down.brokeOff && probes && this.#brokeAgain(message))) this.forget(entry)
        // A stop cut it off, or its partition is lost: nobody's attempt.
        else if (!cutOff.aborted && !(error instanceof SpandrelError && error.code === 'lost-ownership')) {
          entry.verdict = judge(operation, attemptsOf(entry) + 1, error)
          this.forget(entry)
        }
      } finally {
        clearTimeout(timer)
      }
    }
    this.#running.delete(entry)
    // Nothing to keep a claim for: the next try claims it again.
    if (entry.acted === undefined) this.forget(entry)
    ended(entry, outage)
  }

  /**
   * Whoever died over many messages died of any of them, or was deployed, and a probe may meet the end of that. Over the
   * one that was alone with it, and for the second time: that is an attempt of this message, or one that kills its
   * receiver would do so for ever (FM10).
   */
  #brokeAgain(message: ReceivedMessage): boolean {
    const who = identity(message)
    if (this.#broke.delete(who)) return true
    this.#broke.add(who)
    return false
  }

  async #renew(): Promise<void> {
    // Whoever owns their partitions now waits for these leases to end.
    for (const entry of this.#claimed) if (!this.#options.owned(entry)) this.forget(entry)
    if (this.#renewing || this.#claimed.size === 0) return
    this.#renewing = true
    const { database, owner, leaseMs } = this.#options
    const entries = [...this.#claimed].filter(({ claim }) => claim !== undefined)
    const asked = new Map(entries.map((entry) => [entry, entry.claim]))
    try {
      const lost = await renewActs(database.query, owner, leaseMs, entries)
      // Finished in the meantime, or claimed by somebody else: then `handle` will find out.
      // One that was claimed anew while this was asked is not lost: the answer is about its claim before.
      for (const entry of lost)
        if (this.#claimed.has(entry) && entry.claim === asked.get(entry))
          this.#running.get(entry)?.abort(new SpandrelError('lost-ownership', 'its key record has another owner'))
    } catch {
      // The lease may run out; `handle` finds out whether the claim was lost.
    } finally {
      this.#renewing = false
    }
  }
}

interface Down {
  retryAfterMs: number | undefined
  message: string
  /** in the middle of the exchange: this message's own doing, perhaps */
  brokeOff: boolean
}

/** Whether an error says that the other side is down, where a handler passes it on as it is. */
function outageOf(error: unknown): Down | undefined {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Outage) return { retryAfterMs: error.retryAfterMs, message, brokeOff: false }
  if (error instanceof CallError && (error.reason === 'breaker-open' || neverConnected(error) !== undefined))
    return { retryAfterMs: error.retryAfterMs, message, brokeOff: false }
  const broken = brokeOff(error)
  return broken === undefined
    ? undefined
    : { retryAfterMs: undefined, message: `${message}: the connection broke off (${broken})`, brokeOff: true }
}

function identity({ attributes }: ReceivedMessage): string {
  return JSON.stringify([attributes.source, attributes.id])
}
