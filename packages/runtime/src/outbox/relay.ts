/**
 * The relay: moves committed outbox rows to the transport.
 *
 *   waiting ──lease──▶ reading ──▶ publishing (no transaction is open) ──▶ deleting what was confirmed ──▶ reading …
 *      ▲                                                                                                     │
 *      └──── another one took the lease · the database failed ◀──────────────────────────────────────────────┘
 *
 * Order rests on the prefix rule: a relay publishes a key's rows in order, and a row is deleted only after its
 * confirmation. So any number of relays may duplicate, and never reorder what deduplication keeps.
 *
 * The ring is a level: it is set before, and cleared by, the read that must see what it announced. The poll is the
 * truth behind it.
 */
import { randomUUID } from 'node:crypto'
import { faults } from '#faults'
import type { ServiceContract } from '../contract/service-contract.ts'
import { asDatabase, type DatabaseLike } from '../database/as-database.ts'
import type { Database } from '../database/database.ts'
import type { Logger, Loop, LoopHealth } from '../service/loop.ts'
import type { Transport } from '../transport/transport.ts'
import { BackOff } from './back-off.ts'
import { publishDirect } from './direct-publish.ts'
import { Doorbell } from './doorbell.ts'
import { LowWaterMark } from './low-water-mark.ts'
import { RelayBatch } from './relay-batch.ts'
import { releaseLease, takeLease } from './relay-lease.ts'
import { readOutbox } from './relay-read.ts'
import { carryOutRequests } from './relay-requests.ts'
import { OutboxState } from './relay-state.ts'
import { expireSent } from './relay-write.ts'
import { PublishedValidator } from './validate-published.ts'

export interface RelayOptions {
  /** the service whose outbox it is; absent: what `spandrel.publish` wrote is not validated */
  contract?: ServiceContract
  database: DatabaseLike
  transport: Transport
  logger: Logger
  /** milliseconds between looks when nothing rings; default 1000 */
  pollMs?: number
  /** milliseconds after which another relay may take over; default 3000 */
  leaseMs?: number
  /** rows of a batch at most; default 500 */
  batchSize?: number
  /** bytes of a batch, roughly at most; default 4 MiB */
  batchBytes?: number
  /** how long the log of what was sent is kept; default 7 days */
  sentRetentionMs?: number
  /** whether that log keeps payloads; default false */
  keepSentData?: boolean
}

export interface Relay extends Loop {
  /** Call after a commit that sent something: the relay looks at once, here or in the process that has the lease. */
  ring(): void
}

/** The relay of one database. Any number may run; one of them works at a time. */
export function createRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options)
}

/** NOTIFY channel of a service's database. */
export const outboxBell = 'spandrel_outbox'

const choresMs = 1000
const stateMs = 5000
const expiryMs = 60_000
const expiryBatch = 5000
const firstFailureMs = 100
const longestFailureMs = 5000

class OutboxRelay implements Relay {
  readonly name = 'relay'
  readonly #options: RelayOptions
  readonly #database: Database
  readonly #pollMs: number
  readonly #leaseMs: number
  readonly #owner = randomUUID()
  readonly #mark = new LowWaterMark()
  readonly #backOff = new BackOff()
  readonly #state = new OutboxState()
  readonly #validator: PublishedValidator | undefined
  readonly #batch: RelayBatch
  #doorbell: Doorbell | undefined
  #listener: Promise<{ close(): Promise<void> } | undefined> | undefined
  #epoch: string | undefined
  #held: string | undefined
  #rung = false
  #wake: (() => void) | undefined
  #stopping = false
  #running: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  #failures = 0
  #choresAt = Number.NEGATIVE_INFINITY
  #stateAt = Number.NEGATIVE_INFINITY
  #expiryAt = Number.NEGATIVE_INFINITY
  #lastSuccess: number | null = null
  #lastError: LoopHealth['lastError'] = null
  #sent = 0
  #rescans = 0

  constructor(options: RelayOptions) {
    this.#options = options
    this.#database = asDatabase(options.database)
    this.#pollMs = options.pollMs ?? 1000
    this.#leaseMs = options.leaseMs ?? 3000
    this.#validator = options.contract && new PublishedValidator(options.contract)
    this.#batch = new RelayBatch({
      database: this.#database,
      transport: options.transport,
      logger: options.logger,
      backOff: this.#backOff,
      fault: (message) => this.#validator?.fault(message),
      keepData: options.keepSentData ?? false,
    })
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const notifier = this.#database.notifier?.(outboxBell)
    this.#doorbell = notifier && new Doorbell(notifier)
    this.#listener = this.#database.listen?.(outboxBell, () => this.#hear()).catch(() => undefined)
    this.#running = this.#run()
  }

  ring(): void {
    if (faults.mutant('publish-after-commit')) publishDirect(this.#options.transport)
    if (this.#epoch === undefined) this.#doorbell?.ring('')
    else this.#hear()
  }

  stop(options: { deadlineMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(options.deadlineMs)
    return this.#stopped
  }

  health(): LoopHealth {
    return {
      lastSuccess: this.#lastSuccess,
      lastError: this.#lastError,
      gauges: {
        ...this.#state.gauges,
        holdsLease: this.#epoch === undefined ? 0 : 1,
        backingOff: this.#backOff.channels,
        sent: this.#sent,
        lowWaterMark: Number(this.#mark.mark),
        rescans: this.#rescans,
      },
    }
  }

  #hear(): void {
    this.#rung = true
    this.#wake?.()
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      let again = false
      try {
        again = await this.#round()
        this.#succeeded()
      } catch (error) {
        await this.#failed(error)
        again = true
      }
      if (!again && !this.#rung && !this.#stopping) await this.#rest(this.#idleMs())
    }
  }

  /** One look at the outbox; whether to look again at once. */
  async #round(): Promise<boolean> {
    const { batchSize = 500, batchBytes = 4 * 1024 * 1024 } = this.#options
    const query = this.#database.query
    if (this.#epoch === undefined) {
      await this.#look()
      this.#epoch = await takeLease(query, this.#owner, this.#leaseMs)
      this.#rung = false
      if (this.#epoch === undefined) return false
      // Another relay may have worked: what is known of the outbox is not known any more.
      this.#mark.reset()
      this.#held = undefined
    }
    await this.#chores()
    if (this.#backOff.letIn(performance.now())) this.#mark.restart()
    // Cleared before the read that sees what it announced.
    this.#rung = false
    const from = this.#mark.mark
    const read = await readOutbox(query, {
      owner: this.#owner,
      epoch: this.#epoch,
      leaseMs: this.#leaseMs,
      mark: from,
      exclude: this.#backOff.exclusions,
      limit: batchSize,
      maxBytes: batchBytes,
    })
    if (!read.mine) {
      this.#epoch = undefined
      // What rung here was meant for whoever has it now.
      this.#doorbell?.ring('')
      return false
    }
    const now = performance.now()
    const heldChanged = this.#held !== undefined && this.#held !== read.held
    this.#held = read.held
    if (heldChanged) this.#mark.restart()
    const accepted = this.#mark.accepts(read.snapshot, now)
    // Something below the mark may have become sendable: nothing is published before it was looked at.
    if ((heldChanged || !accepted) && from > 0n) {
      this.#rescans++
      return true
    }
    if (read.rows.length > 0) {
      const { sent, refused, deleted } = await this.#batch.send(read.rows)
      this.#sent += sent
      const last = read.rows.at(-1)
      if (last !== undefined && deleted !== undefined) this.#mark.sent(last.id, deleted)
      if (refused > 0) {
        // What came behind them was left, and is told apart by the next read only.
        this.#mark.restart()
        return true
      }
    }
    this.#mark.dealtWith(read.snapshot, now, read.filled ? read.rows.at(-1)?.id : undefined)
    return read.filled
  }

  /** What is due now and then, by the relay that has the lease. */
  async #chores(): Promise<void> {
    const now = performance.now()
    if (now - this.#choresAt < choresMs) return
    this.#choresAt = now
    await this.#look()
    const { transport, sentRetentionMs = 7 * 24 * 3600 * 1000 } = this.#options
    const done = await carryOutRequests({
      database: this.#database,
      fault: (message) => this.#validator?.fault(message),
      publish: async (message) => (await transport.publish([message]))[0] ?? { ok: false, later: 'no result' },
    })
    if (done > 0) this.#mark.restart()
    if (now - this.#expiryAt < expiryMs) return
    const gone = await expireSent(this.#database.query, { retentionMs: sentRetentionMs, limit: expiryBatch })
    // A full batch: there is more, and the next chores go on with it.
    if (gone < expiryBatch) this.#expiryAt = now
  }

  async #look(): Promise<void> {
    const now = performance.now()
    if (now - this.#stateAt < stateMs) return
    this.#stateAt = now
    await this.#state.look(this.#database.query, this.#options.logger)
  }

  #succeeded(): void {
    this.#lastSuccess = Date.now()
    this.#failures = 0
  }

  /** Tried again after a while, growing; a ring does not shorten it. */
  async #failed(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error)
    this.#lastError = { at: Date.now(), message }
    if (!this.#stopping)
      this.#options.logger.warn({ error, failures: this.#failures + 1 }, 'the relay failed; it tries again')
    // Its lease may be gone, its server may be another one. A lease that is still its own is taken again at once.
    this.#epoch = undefined
    const delay = Math.min(longestFailureMs, firstFailureMs * 2 ** this.#failures++)
    const until = performance.now() + delay * (0.75 + Math.random() / 2)
    while (!this.#stopping && performance.now() < until) await this.#rest(until - performance.now())
  }

  #idleMs(): number {
    const due = this.#backOff.next
    return due === undefined ? this.#pollMs : Math.min(this.#pollMs, Math.max(1, due - performance.now()))
  }

  /** Until the ring or the time. */
  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      const wake = done
      this.#wake = wake
      function done(): void {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #stop(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs
    this.#stopping = true
    this.#wake?.()
    const left = (): Promise<void> =>
      new Promise((resolve) => {
        setTimeout(resolve, Math.max(0, deadline - performance.now())).unref()
      })
    await Promise.race([this.#running?.then(() => this.#drain(deadline)), left()])
    if (this.#epoch !== undefined) {
      await Promise.race([releaseLease(this.#database.query, this.#owner, this.#epoch).catch(() => {}), left()])
    }
    this.#epoch = undefined
    await this.#doorbell?.close()
    await (await this.#listener)?.close()
  }

  /** Sends what was committed before the stop, as long as there is time and nothing fails. */
  async #drain(deadline: number): Promise<void> {
    try {
      while (this.#epoch !== undefined && performance.now() < deadline) {
        const before = this.#sent
        const again = await this.#round()
        if (!again && this.#sent === before) return
      }
    } catch {
      // The next relay goes on from here.
    }
  }
}
