/** The keys that one gateway keeps: claims, copies, leases of what is open, and the clean-up. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Database, type Logger, SpandrelError } from '@spandrel/runtime'
import { checkGateway, sqlState } from '@spandrel/runtime/operate'
import type { Counters } from '../management/counters.ts'
import { Problem } from '../problem.ts'
import type { Client, Sending } from '../proxy/forward.ts'
import { CleanUp } from './clean-up.ts'
import { Copies, type Verdict } from './copies.ts'
import { type HeldKey, type KeyRecord, KeyRecords, type WantedKey } from './key-records.ts'
import { KeptExchange } from './kept-exchange.ts'
import type { KeptKey } from './kept-key.ts'

/** The service's side, as the client's side drives it. */
export interface Outgoing {
  resume(): void
  leave(): void
  destroy(): void
}

export interface KeptKeysOptions {
  readonly database: Database
  readonly logger: Logger
  readonly counters: Counters
  /** bytes of an answer that are kept; larger ones are recorded as done, and not kept */
  readonly maxAnswerBytes: number
  /** requests that may wait for a copy of theirs */
  readonly maxWaiting: number
}

export interface KeysHealth {
  /** epoch milliseconds of the last answer of the database, or null before the first */
  readonly lastSuccess: number | null
  readonly lastError: { readonly at: number; readonly message: string } | null
  /** requests that wait for a copy of theirs */
  readonly waiting: number
  /** claims whose exchange is open */
  readonly open: number
}

/** How often leases are looked at; half of one, and not less than this long, is left when it is renewed. */
const renewEveryMs = 250
/** A claim that only came late says so itself. This long after a request’s time it is the database that says nothing. */
const leewayMs = 1000

export class KeptKeys {
  readonly #options: KeptKeysOptions
  readonly #records: KeyRecords
  readonly #copies: Copies
  readonly #cleanUp: CleanUp
  readonly #open = new Map<string, HeldKey>()
  #renewals: NodeJS.Timeout | undefined

  constructor(options: KeptKeysOptions) {
    const { database, logger, counters, maxWaiting } = options
    const name = randomUUID()
    this.#options = options
    this.#records = new KeyRecords(database, name)
    this.#copies = new Copies(this.#records, { maxWaiting })
    this.#cleanUp = new CleanUp({ database, logger, counters, owner: name })
  }

  /**
   * Throws `database-not-migrated`, with the command to run. A database that is away is no reason not to start: keyed
   * requests are refused until it is back, and nothing else is. Idempotent.
   */
  async start(): Promise<void> {
    if (this.#renewals !== undefined) return
    const { database, logger } = this.#options
    try {
      await checkGateway(database)
    } catch (error) {
      // Not migrated, no such database, no right to enter it: that does not pass by itself.
      if (error instanceof SpandrelError || /^(28|3D|42)/.test(sqlState(error) ?? '')) throw error
      logger.error({ err: error }, 'the database of key records is away: keyed requests are refused until it is back')
    }
    this.#renewals = setInterval(() => this.#renew(), renewEveryMs)
    this.#renewals.unref()
    this.#cleanUp.start()
  }

  /** After the last exchange: writes what is still to be written. */
  async close(): Promise<void> {
    clearInterval(this.#renewals)
    await this.#cleanUp.stop()
    await this.#records.settled()
  }

  health(): KeysHealth {
    const { lastSuccess, lastError } = this.#records
    return { lastSuccess, lastError, waiting: this.#copies.waiting, open: this.#open.size }
  }

  /** Sends a request once for its key, or gives the answer that its copy was given. Never throws. */
  carryOut(client: Client, rule: KeptKey, wanted: WantedKey, sending: Sending): Outgoing {
    const keyed = new KeyedRequest(client, rule, sending, wanted, performance.now() + sending.timeoutMs)
    const copy = { wanted, onOverlap: rule.guarantee.onOverlap, deadline: keyed.deadline, gone: () => keyed.isGone }
    // A database that says nothing at all must not keep a client beyond its time.
    keyed.unheard = setTimeout(
      () => this.#unavailable(keyed, new Error('the database says nothing')),
      sending.timeoutMs + leewayMs,
    )
    this.#copies
      .run(copy, (held) => this.#send(keyed, held))
      .then((verdict) => this.#answer(keyed, verdict))
      .catch((error: unknown) => this.#answer(keyed, { how: 'unavailable', error }))
    return keyed
  }

  #send(keyed: KeyedRequest, held: HeldKey): Promise<KeyRecord | undefined> {
    const { operation } = held.wanted
    const { logger, counters, maxAnswerBytes } = this.#options
    if (held.takenOver) {
      counters.add('keyTakeovers', { operation })
      const fields = { operation, key: held.wanted.key, correlationId: held.wanted.correlationId, epoch: held.epoch }
      logger.warn(fields, 'a request is carried out again: how an earlier one with its key ended never became known')
    }
    // Sent late, it could still be running when the lease ends.
    const remaining = keyed.deadline - performance.now()
    const late = remaining <= 0 || performance.now() > held.leaseEndsAt - held.wanted.leaseMs / 2
    if (late || keyed.isGone) {
      return this.#records.release(held).then(
        () => undefined,
        () => undefined,
      )
    }
    this.#open.set(held.owner, held)
    return new Promise((resolve) => {
      const exchange = new KeptExchange({
        client: keyed.client,
        sending: keyed.sendingWithin(remaining),
        rule: keyed.rule,
        held,
        records: this.#records,
        maxAnswerBytes,
        deadline: keyed.deadline,
        lost: (which, error) => {
          counters.add('unknownOutcomes', { operation })
          const fields = { operation, key: which.wanted.key, correlationId: which.wanted.correlationId, err: error }
          logger.warn(fields, 'the outcome of a request is not known: its key is kept until the lease ends')
        },
        over: (record) => {
          this.#open.delete(held.owner)
          resolve(record)
        },
      })
      keyed.begin(exchange)
    })
  }

  #answer(keyed: KeyedRequest, verdict: Verdict): void {
    const { client, wanted, rule } = keyed
    const { logger, counters } = this.#options
    const { operation, key, correlationId } = wanted
    clearTimeout(keyed.unheard)
    if (keyed.isTold) {
      // What the database said comes too late.
    } else if (verdict.how === 'carried-out') {
      // Released before anything was sent: its time had passed, or its client was gone.
      if (!keyed.hasBegun) client.answer(new Problem('timeout', { detail: 'The request was not sent.' }))
    } else if (verdict.how === 'unavailable') {
      this.#unavailable(keyed, verdict.error)
    } else if (verdict.how === 'overlap') {
      counters.add('overlaps', { operation })
      logger.info({ operation, key, correlationId }, 'a copy came while the first of its key was being handled')
      const seconds = String(Math.max(1, Math.ceil(verdict.retryAfterMs / 1000)))
      const detail = `A request with this key is being handled by ${operation}; ask again.`
      client.answer(new Problem('overlap', { detail, headers: ['retry-after', seconds] }))
    } else {
      const { record } = verdict
      const fields = { operation, key, correlationId, first: record.correlationId, status: record.status }
      if (record.fingerprint !== wanted.fingerprint && rule.guarantee.onMismatch === 'reject') {
        counters.add('keyReuses', { operation })
        logger.warn(fields, 'a key came again with another request, and was refused')
        const detail = `The key was used before with another request to ${operation}; use a fresh key for a new request.`
        client.answer(new Problem('key-reuse', { detail }))
      } else {
        counters.add('replays', { operation })
        logger.info(fields, 'a copy got the remembered answer')
        if (record.outcome === 'answered') replay(client, record)
        else {
          const detail = `The request was carried out and answered with ${record.status}; the answer was too large to be kept.`
          client.answer(new Problem('answer-not-kept', { detail }))
        }
      }
    }
    client.over()
  }

  /** Refuses what was not sent: who has the key is not known. */
  #unavailable(keyed: KeyedRequest, error: unknown): void {
    const { logger, counters } = this.#options
    const { operation, correlationId } = keyed.wanted
    if (keyed.isTold || keyed.hasBegun) return
    keyed.isTold = true
    counters.add('keysUnavailable', { operation })
    logger.error({ err: error, operation, correlationId }, 'key records cannot be kept: a request is refused')
    const detail = 'The request was not sent: its idempotency key could not be recorded.'
    keyed.client.answer(new Problem('keys-unavailable', { detail, headers: ['retry-after', '1'] }))
  }

  #renew(): void {
    const now = performance.now()
    for (const held of this.#open.values()) {
      const { leaseMs } = held.wanted
      if (held.leaseEndsAt - now > Math.max(leaseMs / 2, 2 * renewEveryMs)) continue
      // One that is lost is found out when its outcome is written.
      this.#records.renew(held).catch(() => {})
    }
  }
}

/** Gives a client the answer that an earlier request with its key was given. */
function replay(client: Client, { status, headers, body }: KeyRecord): void {
  if (client.left) return
  const length = body === undefined || status === 204 || status === 304 ? undefined : String(body.length)
  const kept = { ...headers, ...(length !== undefined && { 'content-length': length }), 'idempotent-replayed': 'true' }
  client.head(status, kept as IncomingHttpHeaders)
  if (body !== undefined && body.length > 0) client.write(body)
  client.end({})
}

/** One request on its way through all of this; what the client's side holds in its hands. */
class KeyedRequest implements Outgoing {
  readonly client: Client
  readonly rule: KeptKey
  readonly wanted: WantedKey
  readonly deadline: number
  /** tells the client that the database says nothing */
  unheard: NodeJS.Timeout | undefined
  /** the client has been refused, and the request will not be sent */
  isTold = false
  readonly #sending: Sending
  #exchange: KeptExchange | undefined
  #destroyed = false

  constructor(client: Client, rule: KeptKey, sending: Sending, wanted: WantedKey, deadline: number) {
    this.client = client
    this.rule = rule
    this.wanted = wanted
    this.deadline = deadline
    this.#sending = sending
  }

  /** Nobody waits for it any more, and nothing has begun. */
  get isGone(): boolean {
    return this.#destroyed || this.isTold || this.client.left
  }

  get hasBegun(): boolean {
    return this.#exchange !== undefined
  }

  /**
   * What is left of its time once the key was claimed. What was written down must be readable by every copy, so it is
   * asked for without a content coding.
   */
  sendingWithin(timeoutMs: number): Sending {
    const headers: string[] = []
    for (let index = 0; index < this.#sending.headers.length; index += 2) {
      const name = this.#sending.headers[index] as string
      if (name.toLowerCase() === 'accept-encoding') continue
      headers.push(name, this.#sending.headers[index + 1] as string)
    }
    headers.push('accept-encoding', 'identity')
    return { ...this.#sending, headers, timeoutMs }
  }

  begin(exchange: KeptExchange): void {
    clearTimeout(this.unheard)
    this.#exchange = exchange
    exchange.start()
  }

  resume(): void {
    this.#exchange?.resume()
  }

  leave(): void {
    this.#exchange?.leave()
  }

  destroy(): void {
    this.#destroyed = true
    this.#exchange?.destroy()
  }
}
