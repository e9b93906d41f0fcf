/**
 * Chaos: kills processes where it hurts, by seed. A strike waits for a moment at which its victim has something in
 * flight, freezes it, writes down what that is, kills it with SIGKILL and lets it start again. Some strikes make such
 * a moment: for a fraction of a second the stream, or the victim's own tables, take no writes, and the victim is
 * killed while it waits; its sessions end with it, as when the whole machine goes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Road, Victim } from '../road/road.ts'
import { type Random, seeded } from '../shopper/random.ts'
import type { Shopper } from '../shopper/shopper.ts'
import { anything, cutSessions, type InFlight, measure, transactionsOf, waitsForLock } from './in-flight.ts'
import { redeliver } from './redeliver.ts'
import { stall, type Stall } from './stall.ts'

export interface Strike {
  victim: Victim
  how: 'kill' | 'kill while the stream stalls' | 'kill while its tables stall'
  inFlight: InFlight
}

export interface ChaosOptions {
  road: Road
  shopper: Shopper
  /** a connection to the server */
  server: pg.Client
  seed: number
  /** told of each strike */
  onStrike?: (strike: Strike) => void
}

/** How long a strike waits for its moment. */
const PATIENCE_MS = 1000
/** How long it waits for the last victim to be back. */
const RECOVERY_MS = 3000

export class Chaos {
  readonly #options: ChaosOptions
  readonly #stopping = new AbortController()
  readonly #strikes: Strike[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(options: ChaosOptions) {
    this.#options = options
  }

  get strikes(): readonly Strike[] {
    return this.#strikes
  }

  /** Each process is hit once before any is hit twice. */
  start(): void {
    this.#running = this.#run(seeded(this.#options.seed, 666))
  }

  /** No new strikes; resolves when the last one is over. Rejects if a strike could not be made. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(random: Random): Promise<void> {
    let round: Victim[] = []
    for (let number = 0; !this.#stopping.signal.aborted; number++) {
      await delay(random.between(300, 900), undefined, { signal: this.#stopping.signal }).catch(() => {})
      await this.#recovered()
      if (this.#stopping.signal.aborted) return
      if (round.length === 0) round = shuffled(this.#options.road.victims, random)
      const victim = round.pop() ?? 'orders'
      const stallAt = random.chance(0.5) ? random.pick<Stall['where']>(['stream', 'tables']) : undefined
      await this.strike(victim, { stallAt, restartAfterMs: random.between(20, 300) })
      if (number % 8 === 5) await redeliver(this.#options.road, 50)
    }
  }

  /** Mostly one process is down at a time: where nothing moves there is nothing to interrupt. */
  async #recovered(): Promise<void> {
    const started = Date.now()
    while (this.#options.road.down.length > 0 && Date.now() - started < RECOVERY_MS) await delay(10)
  }

  async strike(victim: Victim, how: { stallAt?: Stall['where'] | undefined; restartAfterMs: number }): Promise<void> {
    const { road, shopper, server } = this.#options
    const member = road.member(victim)
    await member.waitUntilUp(30_000)
    const stalled = how.stallAt === undefined ? undefined : await stall(road, victim, how.stallAt)
    try {
      await this.#moment(victim, stalled)
      member.freeze()
      const inFlight = await measure(server, road, victim, shopper)
      if (stalled !== undefined) await cutSessions(server, road, victim)
      await member.kill(how.restartAfterMs)
      const strike: Strike = {
        victim,
        how:
          stalled === undefined
            ? 'kill'
            : stalled.where === 'stream'
              ? 'kill while the stream stalls'
              : 'kill while its tables stall',
        inFlight,
      }
      this.#strikes.push(strike)
      this.#options.onStrike?.(strike)
    } finally {
      await stalled?.end()
    }
  }

  async #moment(victim: Victim, stalled: Stall | undefined): Promise<void> {
    const { road, shopper, server } = this.#options
    const started = Date.now()
    while (Date.now() - started < PATIENCE_MS) {
      if (victim === 'gateway') {
        if (shopper.status().outstanding > 0) return
      } else if (
        stalled === undefined
          ? (await transactionsOf(server, road, victim)) > 0
          : await waitsForLock(server, road, victim)
      )
        return
      await delay(2)
    }
  }
}

/** Kills that count. */
export function killsInFlight(strikes: readonly Strike[]): number {
  return strikes.filter(({ inFlight }) => anything(inFlight)).length
}

function shuffled(victims: readonly Victim[], random: Random): Victim[] {
  const list = [...victims]
  for (let last = list.length - 1; last > 0; last--) {
    const other = random.between(0, last)
    const kept = list[last] as Victim
    list[last] = list[other] as Victim
    list[other] = kept
  }
  return list
}
