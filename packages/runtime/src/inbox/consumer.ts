/**
 * Everything a service receives: one lane a subscription, the sharing of partitions among replicas, one loop of the
 * service.
 *
 *   new ──start──▶ running ──stop──▶ stopping: nothing new ▶ what runs ends ▶ settle ▶ release ▶ closed
 *                                        └─ out of time ▶ database connections are cut, nothing can commit ▶ closed
 */
import { randomUUID } from 'node:crypto'
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import type { Loop, LoopHealth } from '../service/loop.ts'
import { Lane } from './lane.ts'
import { subscriptionsOf, type Subscription } from './operation.ts'
import { type ConsumerOptions, type ConsumerTuning, defaultTuning } from './options.ts'
import { Ownership } from './ownership.ts'
import { Slots } from './slots.ts'

/**
 * The consumer of all subscriptions of a service. Throws `wrong-configuration` where handlers and contract do not
 * match; whatever goes wrong later is logged, shown in health and tried again.
 */
export function createConsumer<T extends ContractTypes, Tx>(options: ConsumerOptions<T, Tx>): Loop {
  return new Consumer(options)
}

class Consumer<T extends ContractTypes, Tx> implements Loop {
  readonly name = 'consumer'
  readonly #options: ConsumerOptions<T, Tx>
  readonly #tuning: ConsumerTuning
  readonly #subscriptions: readonly Subscription<Tx>[]
  readonly #owner = randomUUID()
  readonly #lanes = new Map<string, Lane<Tx>>()
  readonly #slots: Slots
  #ownership: Ownership<Tx> | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #startError: LoopHealth['lastError'] = null
  #gauges: { held: number; dead: number; oldestHeldSeconds: number; at: number } = {
    held: 0,
    dead: 0,
    oldestHeldSeconds: 0,
    at: 0,
  }
  #counting = false

  constructor(options: ConsumerOptions<T, Tx>) {
    this.#options = options
    this.#tuning = { ...defaultTuning, ...options.tuning }
    this.#subscriptions = subscriptionsOf(options.contract, options.handlers)
    // One connection is left for what is short (renewals), one for taking partitions over, which may have to wait.
    this.#slots = new Slots(Math.max(1, this.#tuning.connections - 2), () => {
      for (const lane of this.#lanes.values()) lane.pump()
    })
  }

  async start(): Promise<void> {
    this.#starting ??= this.#open()
    await this.#starting
  }

  /** Where transport or database do not answer yet, it is tried again; the first try is waited for. */
  async #open(): Promise<void> {
    const { transport, database, contract, logger, call } = this.#options
    try {
      for (const subscription of this.#subscriptions) {
        if (this.#lanes.has(subscription.name)) continue
        const source = await transport.subscription(subscription.name, subscription.channel)
        const lane: Lane<Tx> = new Lane({
          contract: contract as unknown as ServiceContract,
          database,
          owner: this.#owner,
          subscription,
          source,
          tuning: this.#tuning,
          slots: this.#slots,
          logger,
          call,
          onCommitted: this.#options.onCommitted ?? (() => {}),
          inFlight: () => [...this.#lanes.values()].reduce((total, each) => total + each.gauges().running, 0),
          onLost: () => this.#ownership?.lookAgain(),
          onIncarnation: () => {
            this.#ownership
              ?.checkPositions(lane)
              .catch((error: unknown) => logger.warn({ error }, `${lane.name}: checking positions failed`))
          },
        })
        this.#lanes.set(subscription.name, lane)
      }
      const { leaseMs, renewMs } = this.#tuning
      logger.debug(
        { owner: this.#owner, subscriptions: [...this.#lanes.keys()], leaseMs, renewMs },
        'consumer: starting',
      )
      this.#ownership = new Ownership({
        database,
        owner: this.#owner,
        lanes: this.#lanes,
        tuning: this.#tuning,
        logger,
      })
      await this.#ownership.start()
      if (this.#stopping !== undefined) return
      for (const lane of this.#lanes.values()) lane.start()
      this.#startError = null
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#startError = { at: Date.now(), message }
      logger.warn({ error }, `consumer: not started yet: ${message}`)
      this.#ownership = undefined
      if (this.#stopping !== undefined) return
      this.#retry = setTimeout(() => {
        this.#starting = this.#open()
      }, this.#tuning.renewMs)
    }
  }

  async stop(options: { deadlineMs: number }): Promise<void> {
    this.#stopping ??= this.#stop(options.deadlineMs)
    await this.#stopping
  }

  async #stop(deadlineMs: number): Promise<void> {
    clearTimeout(this.#retry)
    const lanes = [...this.#lanes.values()]
    const clean = (async () => {
      await this.#starting
      for (const lane of lanes) lane.halt()
      await this.#ownership?.halt()
      await Promise.all(lanes.flatMap((lane) => [...lane.owned().keys()].map((number) => lane.drain(number))))
      for (const lane of lanes) await lane.settled()
      await this.#ownership?.release()
      for (const lane of lanes) await lane.close()
    })()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), deadlineMs)
    })
    const end = await Promise.race([clean.catch((error: unknown) => error), late])
    clearTimeout(timer)
    if (end === undefined) return
    // The fence in the database first: nothing that still runs can commit. What it had is taken over by others.
    for (const lane of lanes) lane.cutOff()
    this.#ownership?.abandon()
    await this.#releaseInTime()
    this.#options.logger.warn(
      { reason: end === 'late' ? 'out of time' : end },
      'consumer: stopped without finishing what was in flight',
    )
    clean.catch(() => {})
    for (const lane of lanes) lane.abandon()
  }

  /** What was cut off has not died: whoever takes the partitions next need neither wait nor be careful. */
  async #releaseInTime(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 1000)
    })
    await Promise.race([limit, this.#ownership?.release().catch(() => {})])
    clearTimeout(timer)
  }

  health(): LoopHealth {
    const lanes = [...this.#lanes.values()]
    const ownership = this.#ownership
    this.#countHeld()
    const errors = [this.#startError, ownership?.lastError ?? null, ...lanes.map(({ lastError }) => lastError)].filter(
      (error) => error !== null,
    )
    const successes = [
      ownership?.lastSuccess ?? null,
      ...lanes.map(({ active, lastSuccess }) => (active ? lastSuccess : null)),
    ].filter((at) => at !== null)
    const sum = (pick: (gauges: ReturnType<Lane<Tx>['gauges']>) => number): number =>
      lanes.reduce((total, lane) => total + pick(lane.gauges()), 0)
    const stopped = [...(ownership?.stopped ?? [])]
    if (stopped.length > 0)
      errors.push({ at: Date.now(), message: stopped.map(([where, why]) => `${where} stopped: ${why}`).join('; ') })
    return {
      lastSuccess: successes.length === 0 ? null : Math.min(...successes),
      lastError: errors.sort((a, b) => b.at - a.at)[0] ?? null,
      gauges: {
        partitionsOwned: sum(({ partitions }) => partitions),
        partitionsStopped: stopped.length,
        operationsPaused: sum(({ paused }) => paused),
        unsettled: sum(({ running }) => running),
        pending: sum(({ pending }) => pending),
        held: this.#gauges.held,
        heldDead: this.#gauges.dead,
        oldestHeldSeconds: this.#gauges.oldestHeldSeconds,
      },
    }
  }

  /** Counted in the background, at most every five seconds: health itself must not wait for the database. */
  #countHeld(): void {
    if (this.#counting || this.#stopping !== undefined || Date.now() - this.#gauges.at < 5000) return
    this.#counting = true
    this.#options.database
      .query<{ held: number; dead: number; seconds: number }>(
        `select count(*)::int as held, count(dead_at)::int as dead,
           coalesce(extract(epoch from clock_timestamp() - min(held_at)), 0)::float8 as seconds
         from spandrel.held where side = 'consumer'`,
      )
      .then(({ rows: [row] }) => {
        this.#gauges = {
          held: row?.held ?? 0,
          dead: row?.dead ?? 0,
          oldestHeldSeconds: row?.seconds ?? 0,
          at: Date.now(),
        }
      })
      .catch(() => {
        this.#gauges = { ...this.#gauges, at: Date.now() }
      })
      .finally(() => {
        this.#counting = false
      })
  }
}
