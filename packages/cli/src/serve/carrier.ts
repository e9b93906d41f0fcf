/**
 * Carries the messages of a service without our code: its relay moves what `spandrel.publish` wrote, its push delivers
 * what the service receives as HTTP POSTs. `dev` and `serve` run the same.
 *
 *   starting ──databases answer, schema is there──▶ running ──stop──▶ stopped
 *      │  ▲                                            its loops go on by themselves through every outage; until each
 *      └──┘ no answer: again, later each time,         has succeeded once it is `starting` to whoever asks
 *           at most after 5 s
 *
 * A schema that is missing, or a password that is wrong, does not mend itself: `start` rejects.
 */
import {
  checkMigrated,
  checkStream,
  createPush,
  createRelay,
  createServiceExpiry,
  type Logger,
  type Loop,
  type LoopHealth,
  openTransport,
  type ServiceContract,
  type Transport,
} from '@spandrel/runtime/operate'
import { pgDatabase } from '@spandrel/runtime/pg'
import pg from 'pg'
import { CommandError, complaint } from '../output/command-error.ts'
import { withoutPassword } from '../system/database-url.ts'

export interface CarrierOptions {
  contract: ServiceContract
  /** connection strings */
  database: string
  transport: string
  relay: boolean
  /** where its messages are POSTed; absent: none are */
  push?: { url: string; headers?: Readonly<Record<string, string>> }
  logger: Logger
}

export interface CarrierHealth {
  status: 'starting' | 'ok' | 'failing' | 'stopped'
  loops: Readonly<Record<string, LoopHealth>>
  /** why it has not started yet, or who gets no answer */
  waitingFor?: string
}

const longestPauseMs = 5000

/**
 * A loop that carries has something to succeed in every second. One that did not for so long waits for an answer, and is
 * failing: its driver gives up, and tells an error, after 30 s only.
 */
const quietMs = 10_000

export class Carrier {
  readonly service: string
  readonly #options: CarrierOptions
  readonly #pool: pg.Pool
  readonly #stop = new AbortController()
  #transport: Transport | undefined
  #loops: readonly Loop[] = []
  #status: 'starting' | 'running' | 'stopped' = 'starting'
  #runningSince = 0
  #waitingFor: string | undefined
  #starting: Promise<void> | undefined

  constructor(options: CarrierOptions) {
    this.#options = options
    this.service = options.contract.service
    this.#pool = poolOf(options.database, `${this.service} carrier`, 6)
  }

  /** Resolves when its loops run, or when it was stopped before. Rejects where waiting does not help. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /** What is under way ends, or is cut off after `deadlineMs` and taken over by the next one. Idempotent. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    await this.#starting?.catch(() => {})
    // Intake first; the relay sends what that committed.
    const end = Date.now() + deadlineMs
    for (const loop of this.#loops.toReversed()) await loop.stop({ deadlineMs: Math.max(500, end - Date.now()) })
    this.#status = 'stopped'
    await this.#transport?.close()
    await this.#pool.end()
  }

  health(): CarrierHealth {
    const loops = Object.fromEntries(this.#loops.map((loop) => [loop.name, loop.health()]))
    const failing = Object.values(loops).some(
      (one) => one.lastError !== null && one.lastError.at > (one.lastSuccess ?? 0),
    )
    if (this.#status !== 'running')
      return { status: this.#status, loops, ...(this.#waitingFor !== undefined && { waitingFor: this.#waitingFor }) }
    const { quiet, new: fresh } = this.#unanswered(loops)
    const waiting = [...quiet, ...fresh]
    const status = failing || quiet.length > 0 ? 'failing' : fresh.length > 0 ? 'starting' : 'ok'
    return { status, loops, ...(waiting.length > 0 && { waitingFor: `an answer to the ${waiting.join(', the ')}` }) }
  }

  /** Loops that carry and have not succeeded lately, or not yet. */
  #unanswered(loops: Readonly<Record<string, LoopHealth>>): { quiet: string[]; new: string[] } {
    const found = { quiet: [] as string[], new: [] as string[] }
    for (const [name, { lastSuccess, gauges }] of Object.entries(loops)) {
      // It looks once a minute, and a first round can have much to remove.
      if (name === 'expiry') continue
      // With a full window nothing is read, however well all is.
      const busy = lastSuccess !== null && (gauges['unsettled'] ?? 0) + (gauges['pending'] ?? 0) > 0
      if (!busy && Date.now() - (lastSuccess ?? this.#runningSince) > quietMs) found.quiet.push(name)
      else if (lastSuccess === null) found.new.push(name)
    }
    return found
  }

  async #start(): Promise<void> {
    const { contract, relay, push, logger } = this.#options
    const database = pgDatabase(this.#pool)
    const query = database.query
    if (!(await this.#untilReady())) return
    const transport = await openTransport(this.#options.transport)
    this.#transport = transport
    const loops: Loop[] = [createServiceExpiry({ query, logger })]
    if (relay) loops.push(createRelay({ contract, database, transport, logger }))
    if (push !== undefined) loops.push(createPush({ contract, database, transport, logger, ...push }))
    this.#loops = loops
    for (const loop of loops) await loop.start()
    this.#status = 'running'
    this.#runningSince = Date.now()
    const carries = loops.map((loop) => loop.name).join(', ')
    logger.info({ loops: carries, ...(push !== undefined && { url: push.url }) }, 'carrying messages')
  }

  /** False: it was stopped while it waited. */
  async #untilReady(): Promise<boolean> {
    const { signal } = this.#stop
    for (let pause = 100; !signal.aborted; pause = Math.min(longestPauseMs, pause * 2)) {
      try {
        await checkMigrated(pgDatabase(this.#pool), this.service)
        await checkOnce(this.#options.transport)
        this.#waitingFor = undefined
        return true
      } catch (error) {
        const fatal = this.#refusal(error)
        if (fatal !== undefined) throw fatal
        const { what } = complaint(error)
        if (this.#waitingFor === undefined)
          this.#options.logger.warn({ error }, `waiting for the databases of ${this.service}: ${what}`)
        this.#waitingFor = what
      }
      await pauseOf(pause, signal)
    }
    return false
  }

  /** What no waiting mends, with the fix. */
  #refusal(error: unknown): CommandError | undefined {
    const { what, fix, code } = complaint(error)
    const place = withoutPassword(this.#options.database)
    if (code === 'database-not-migrated' || code === 'unknown-service' || code === 'wrong-configuration')
      return new CommandError(what, { where: place, fix, cause: error })
    // invalid_authorization_specification, invalid_password, invalid_catalog_name, insufficient_privilege
    if (!['28000', '28P01', '3D000', '42501'].includes(code ?? '')) return undefined
    return new CommandError(`${this.service}: ${what}`, {
      where: `${place}, or the stream's ${withoutPassword(this.#options.transport)}`,
      fix: 'correct the connection string, or give the role what it lacks',
      cause: error,
    })
  }
}

async function checkOnce(transport: string): Promise<void> {
  const pool = poolOf(transport, 'spandrel check', 1)
  try {
    await checkStream(pgDatabase(pool))
  } finally {
    await pool.end()
  }
}

function poolOf(connectionString: string, name: string, max: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    application_name: name,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  // A connection that breaks fails the query that was using it.
  pool.on('error', () => {})
  return pool
}

function pauseOf(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
