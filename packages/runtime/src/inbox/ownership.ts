/**
 * Shares the partitions of a consumer's subscriptions among its replicas.
 *
 * Every replica renews what it has and says that it is there, each second. It then counts the replicas and takes free
 * partitions up to its fair share, or releases what it has beyond that, between batches. The shares are worked out
 * from the same sorted list everywhere, so they add up; while the lists differ for a moment, partitions are left free
 * for a second or asked for twice, and the row decides.
 */
import type { Database } from '../database/database.ts'
import { isConnectionLost, sqlState } from '../database/failure.ts'
import type { Logger } from '../service/loop.ts'
import { journal } from './journal.ts'
import type { Lane } from './lane.ts'
import type { ConsumerTuning } from './options.ts'
import * as sql from './ownership-sql.ts'

export interface OwnershipOptions<Tx> {
  database: Database<Tx>
  owner: string
  lanes: ReadonlyMap<string, Lane<Tx>>
  tuning: ConsumerTuning
  logger: Logger
}

export class Ownership<Tx> {
  readonly #options: OwnershipOptions<Tx>
  readonly #stopped = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #tick: Promise<void> | undefined
  #balancing: Promise<void> | undefined
  #again = false
  #ended = false
  lastSuccess: number | null = null
  lastError: { at: number; message: string } | null = null

  constructor(options: OwnershipOptions<Tx>) {
    this.#options = options
  }

  /** Subscriptions and partitions that wait for an operator, and why. */
  get stopped(): ReadonlyMap<string, string> {
    return this.#stopped
  }

  async start(): Promise<void> {
    const { database, lanes } = this.#options
    for (const lane of lanes.values()) await database.query(sql.registerPartitions, [lane.name, lane.source.partitions])
    await this.#round()
    await this.#balancing
  }

  /** Looks again soon: something is not as this process believes. */
  lookAgain(): void {
    if (this.#ended) return
    if (this.#tick !== undefined) this.#again = true
    else this.#schedule(0)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#round(), delayMs)
  }

  async #round(): Promise<void> {
    if (this.#tick !== undefined) return
    const { tuning } = this.#options
    const began = performance.now()
    this.#again = false
    this.#tick = this.#renew()
      .then(() => {
        this.lastSuccess = Date.now()
      })
      .catch((error: unknown) => this.#failed(error, 'renewing failed'))
    await this.#tick
    this.#tick = undefined
    if (this.#ended) return
    // Taking may have to wait for a transaction of the old owner; renewals must not wait with it.
    this.#balancing ??= this.#balance()
      .catch((error: unknown) => this.#failed(error, 'sharing the partitions failed'))
      .finally(() => {
        this.#balancing = undefined
      })
    this.#schedule(this.#again ? 0 : Math.max(tuning.renewMs - (performance.now() - began), 10))
  }

  async #renew(): Promise<void> {
    const { database, owner, lanes, tuning } = this.#options
    // What is taken while the answer is on its way is not in it.
    const before = [...lanes.values()].flatMap((lane) =>
      [...lane.owned()].map(([number, partition]) => ({ lane, number, partition })),
    )
    await database.query(sql.renewPresence, [owner, [...lanes.keys()], tuning.leaseMs])
    const { rows } = await database.query<sql.RenewedRow>(sql.renewPartitions, [owner, tuning.leaseMs])
    const mine = new Map(rows.map((row) => [`${row.subscription} ${row.partition}`, row]))
    for (const { lane, number, partition } of before) {
      if (mine.get(`${lane.name} ${number}`)?.epoch === partition.epoch || lane.owned().get(number) !== partition)
        continue
      lane.lost(number, partition.epoch)
    }
  }

  async #balance(): Promise<void> {
    const { database, owner, lanes, tuning } = this.#options
    const { rows } = await database.query<sql.AroundRow>(sql.lookAround, [[...lanes.keys()], sql.graceOf(tuning)])
    this.#stopped.clear()
    for (const lane of lanes.values()) {
      const replicas = rows
        .filter((row) => row.what === 'replica' && row.subscription === lane.name)
        .map((row) => row.owner as string)
      const partitions = rows.filter(
        (row) => row.what === 'partition' && row.subscription === lane.name,
      ) as (sql.AroundRow & { what: 'partition' })[]
      for (const { partition, stopped } of partitions)
        if (stopped !== null) this.#stopped.set(`${lane.name} ${partition}`, stopped)
      const share = fairShare(lane.name, partitions.length, [...new Set([...replicas, owner])], owner)
      // The row says ours, and nobody here works at it: given back, so that somebody takes it.
      const stray = partitions.filter(({ owner: by, partition }) => by === owner && !lane.owned().has(partition))
      if (stray.length > 0)
        await database.query(sql.release, [lane.name, stray.map(({ partition }) => partition), owner])
      await this.#release(lane, share)
      await this.#takeUpTo(lane, share, partitions)
    }
  }

  async #release(lane: Lane<Tx>, share: number): Promise<void> {
    const owned = [...lane.owned()].filter(([, { draining }]) => !draining).map(([number]) => number)
    for (const number of owned.slice(share)) await this.#give(lane, number)
  }

  /** Between batches: what runs ends first. */
  async #give(lane: Lane<Tx>, number: number): Promise<void> {
    const { database, owner } = this.#options
    await lane.drain(number)
    await database.query(sql.release, [lane.name, [number], owner])
  }

  async #takeUpTo(
    lane: Lane<Tx>,
    share: number,
    partitions: readonly (sql.AroundRow & { what: 'partition' })[],
  ): Promise<void> {
    const missing = share - lane.owned().size
    if (missing <= 0 || this.#ended) return
    const free = partitions.filter(
      ({ free: isFree, stopped, partition }) => isFree && stopped === null && !lane.owned().has(partition),
    )
    if (free.length === 0) return
    const [heads, incarnation] = await Promise.all([lane.source.heads(), lane.source.incarnation()])
    for (const row of free.slice(0, missing)) {
      if (this.#ended) return
      await this.#take(lane, row, heads[row.partition] ?? 0, incarnation)
    }
  }

  async #take(
    lane: Lane<Tx>,
    row: sql.AroundRow & { what: 'partition' },
    head: number,
    incarnation: string,
  ): Promise<void> {
    const { database, owner, logger } = this.#options
    let taken: (sql.TakenRow & { unclean: boolean }) | undefined
    try {
      taken = await this.#takeRow(lane.name, row, head, incarnation)
    } catch (error) {
      // Locked for too long by somebody whose lease is still good, or the connection went: the next round tries again.
      if (sqlState(error) === '55P03' || isConnectionLost(error)) return
      throw error
    }
    if (taken === undefined) return
    if (this.#ended) {
      await database.query(sql.release, [lane.name, [row.partition], owner])
      return
    }
    // Its old owner may have gone on after the head was read: a taker may wait for seconds.
    const newest = taken.position > head ? ((await lane.source.heads())[row.partition] ?? 0) : head
    const wrong = wrongPosition(taken, newest, incarnation)
    if (wrong !== undefined) return this.#stop(lane, row.partition, wrong)
    if (taken.unclean)
      logger.info(
        { subscription: lane.name, partition: row.partition },
        `${lane.name}: took partition ${row.partition} over`,
      )
    lane.take({
      partition: row.partition,
      epoch: taken.epoch,
      position: taken.position,
      carefulUntil: taken.careful_until,
      marked: taken.marked_offset ?? undefined,
      markedAlone: taken.marked_alone,
      unclean: taken.unclean,
    })
  }

  /** Raises the epoch; waits for the old owner's open transaction, and ends it once the lease is over. */
  async #takeRow(
    subscription: string,
    { partition, epoch }: sql.AroundRow & { what: 'partition' },
    head: number,
    incarnation: string,
  ): Promise<(sql.TakenRow & { unclean: boolean }) | undefined> {
    const { database, owner, tuning } = this.#options
    const place = [subscription, partition] as const
    return database.transaction(async (open) => {
      const { query } = open
      const pid = await open.backend()
      const lock = await query<{ locked: boolean }>(sql.takersLock, place)
      if (lock.rows[0]?.locked !== true) return undefined
      await query("select set_config('lock_timeout', $1, true)", [String(tuning.leaseMs + 5000)])
      // Longer than the lock may take: nobody answers any more.
      const silence = setTimeout(() => open.cut(), tuning.leaseMs + 10_000)
      const impatience = setInterval(() => {
        database.query(sql.terminateBlockers, [...place, pid]).catch(() => {})
      }, 200)
      try {
        const [found] = (
          await query<{ owner: string | null }>(sql.lockForTaking, [...place, epoch, sql.graceOf(tuning)])
        ).rows
        if (found === undefined) return undefined
        const unclean = found.owner !== null
        const values = [...place, owner, tuning.leaseMs, unclean, tuning.window, head, incarnation]
        const [taken] = (await query<sql.TakenRow>(sql.take, values)).rows
        if (taken === undefined) return undefined
        if (unclean) {
          const { position, marked_offset: marked } = taken
          const detail = { partition, from: found.owner, epoch: Number(taken.epoch), position, marked }
          await journal(query, [{ kind: 'takeover', subscription, actor: owner, detail }])
        }
        return { ...taken, unclean }
      } finally {
        clearInterval(impatience)
        clearTimeout(silence)
      }
    })
  }

  /** The transport said that a position makes no sense to it. */
  async checkPositions(lane: Lane<Tx>): Promise<void> {
    const [heads, incarnation] = await Promise.all([lane.source.heads(), lane.source.incarnation()])
    const { rows } = await this.#options.database.query<{ partition: number; position: number; incarnation: string }>(
      'select partition, position::float8, incarnation from spandrel.partitions where subscription = $1 and owner = $2',
      [lane.name, this.#options.owner],
    )
    for (const row of rows) {
      const wrong = wrongPosition(row, heads[row.partition] ?? 0, incarnation)
      if (wrong === undefined) continue
      lane.lose(row.partition)
      await this.#stop(lane, row.partition, wrong)
    }
  }

  async #stop(lane: Lane<Tx>, partition: number, why: string): Promise<void> {
    const { database, owner, logger } = this.#options
    this.#stopped.set(`${lane.name} ${partition}`, why)
    logger.error({ subscription: lane.name, partition }, `${lane.name}: partition ${partition} stopped: ${why}`)
    await database.query(sql.stopPartition, [lane.name, partition, why, owner])
    await database.query(sql.release, [lane.name, [partition], owner])
    await journal(database.query, [
      { kind: 'stopped', subscription: lane.name, actor: owner, why, detail: { partition } },
    ])
  }

  #failed(error: unknown, what: string): void {
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`
    this.lastError = { at: Date.now(), message }
    if (!this.#ended) this.#options.logger.warn({ error }, `consumer: ${message}`)
  }

  /** No more taking; renewals go on until `release`. */
  async halt(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#tick
    // A taker may be waiting for another owner's transaction, for seconds: its partition is released when it is had.
    await Promise.race([this.#balancing, new Promise((resolve) => setTimeout(resolve, 100))])
    this.#timer = setInterval(() => void this.#renew().catch(() => {}), this.#options.tuning.renewMs)
  }

  /** Releases everything, so that others need not wait for the lease. */
  async release(): Promise<void> {
    clearInterval(this.#timer)
    const { database, owner, lanes } = this.#options
    for (const lane of lanes.values()) {
      await database.query(sql.release, [
        lane.name,
        Array.from({ length: lane.source.partitions }, (_, number) => number),
        owner,
      ])
    }
    await database.query(sql.endPresence, [owner])
  }

  /** Gives up without a word: the stop has run out of time. */
  abandon(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#timer)
  }
}

/** How many of `count` partitions are this replica's; the remainder goes to different replicas for different names. */
export function fairShare(name: string, count: number, replicas: readonly string[], me: string): number {
  const salted = (replica: string): string => `${hash(name + replica)}/${replica}`
  const sorted = replicas.map(salted).sort()
  const rank = sorted.indexOf(salted(me))
  return Math.floor(count / sorted.length) + (rank < count % sorted.length ? 1 : 0)
}

/** FNV-1a: the same everywhere, and that is all it has to be. */
function hash(text: string): string {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value.toString(16).padStart(8, '0')
}

function wrongPosition(
  row: { position: number; incarnation: string | null },
  head: number,
  incarnation: string,
): string | undefined {
  if (row.incarnation !== null && row.incarnation !== incarnation) {
    return `the transport is another one than before (incarnation ${incarnation}, was ${row.incarnation}): its position ${row.position} means nothing there`
  }
  if (row.position > head)
    return `its position ${row.position} is past the newest message ${head}: the transport has lost messages`
  return undefined
}
