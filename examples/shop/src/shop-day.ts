/**
 * One day of one shop: opened, shopped in, disturbed, settled, judged. Nothing here prints.
 */
import { audit, type Verdict } from './audit/audit.ts'
import { Chaos, type Strike } from './chaos/chaos.ts'
import { settle, stillMoving } from './chaos/settle.ts'
import { API_KEYS } from './road/storefronts.ts'
import { Road, type RoadOptions } from './road/road.ts'
import { Shopper } from './shopper/shopper.ts'
import pg from 'pg'

export interface DayOptions extends RoadOptions {
  chaos: boolean
  onStrike?: (strike: Strike) => void
}

/** Mutants may leave messages that move for ever; a shop that keeps its promises settles in seconds. */
const SETTLE_MS = 60_000
const SETTLE_MUTANT_MS = 15_000

export class ShopDay {
  readonly road: Road
  readonly shopper: Shopper
  readonly chaos: Chaos
  readonly #options: DayOptions
  readonly #server: pg.Client
  #faults: readonly string[] = []
  #unsettled: readonly string[] = []

  private constructor(road: Road, shopper: Shopper, server: pg.Client, options: DayOptions) {
    this.road = road
    this.shopper = shopper
    this.#server = server
    this.#options = options
    this.chaos = new Chaos({
      road,
      shopper,
      server,
      seed: options.seed,
      ...(options.onStrike && { onStrike: options.onStrike }),
    })
  }

  static async open(options: DayOptions): Promise<ShopDay> {
    const road = await Road.start(options)
    const server = new pg.Client({ connectionString: options.postgres('postgres'), application_name: 'chaos' })
    await server.connect()
    const shopper = new Shopper({
      url: road.url,
      apiKeys: API_KEYS,
      seed: options.seed,
      log: road.sources.shopperLog,
      poisons: options.chaos,
      // A day to play with is calmer than one that is to prove something.
      pauseMs: options.chaos ? 250 : 500,
    })
    return new ShopDay(road, shopper, server, options)
  }

  start(): void {
    this.shopper.start()
    if (this.#options.chaos) this.chaos.start()
  }

  /** Ends shopping and chaos, waits until nothing moves, asks for every outcome, stops every process. */
  async end(): Promise<void> {
    await this.chaos.stop()
    await this.road.waitUntilUp()
    await this.shopper.stop()
    const limitMs = (this.#options.mutants?.length ?? 0) > 0 ? SETTLE_MUTANT_MS : SETTLE_MS
    if (!(await settle(this.road, limitMs))) this.#unsettled = await stillMoving(this.road)
    await this.shopper.askOutcomes()
    this.#faults = await this.road.stop()
    this.shopper.close()
    await this.#server.end()
  }

  /** Processes that did not end by themselves, or ended with a fault, when they were asked to. */
  get unclean(): readonly string[] {
    return this.#faults
  }

  /** What still moved when waiting for it was over, a line a service. */
  get unsettled(): readonly string[] {
    return this.#unsettled
  }

  async audit(): Promise<Verdict> {
    return audit(this.road.sources, this.road.databases.audit)
  }

  /** Ends everything at once; for when something went wrong. */
  async abandon(): Promise<void> {
    await this.chaos.stop().catch(() => {})
    await this.road.stop()
    this.shopper.close()
    await this.#server.end().catch(() => {})
  }
}
