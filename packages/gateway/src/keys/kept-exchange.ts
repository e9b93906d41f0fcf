/**
 * The exchange of a request whose key this gateway holds. It stands between the client and proxy/forward.ts, and holds
 * the answer back until what became of the key is written down:
 *
 *   waiting     nothing of the request has gone ──refused──▶ the key is released, then the refusal goes
 *   sent        ──broken, out of time──▶ the key stays claimed, marked unknown, until its lease ends
 *   collecting  the answer is gathered ──whole──▶ recorded (or released, where it is not remembered), then it goes
 *                                      ──too large, endless──▶ recorded as `not-kept`, then it goes as it comes
 *   passing     the record is written; the answer goes
 *
 * A client that leaves changes nothing once the request is sent: the answer is gathered and recorded all the same.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { FailureKind } from '../management/metrics.ts'
import { Problem } from '../problem.ts'
import { type Client, Forward, type RetryReason, type Sending } from '../proxy/forward.ts'
import type { HeldKey, KeyOutcome, KeyRecord, KeyRecords } from './key-records.ts'
import type { KeptKey } from './kept-key.ts'

export interface KeptExchangeOptions {
  readonly client: Client
  readonly sending: Sending
  readonly rule: KeptKey
  readonly held: HeldKey
  readonly records: KeyRecords
  /** bytes of an answer that are kept */
  readonly maxAnswerBytes: number
  /** on the clock of `performance.now()`: the client is told by then */
  readonly deadline: number
  /** the outcome of a request is lost, or somebody else's: for the log */
  readonly lost: (held: HeldKey, error: unknown) => void
  /** both sides are over. With what copies get, if anything */
  readonly over: (record: KeyRecord | undefined) => void
}

/** Between two tries to write an outcome. */
const againMs = 250
/** What a client is kept waiting for the record of its answer, however late that is. */
const leastRecordingMs = 1000

export class KeptExchange implements Client {
  readonly #options: KeptExchangeOptions
  readonly #forward: Forward
  #sent = false
  #passing = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #trailers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0
  /** what the service's side ended with */
  #ended: 'whole' | 'cut' | undefined
  #refusal: Problem | undefined
  #recording: Promise<boolean> | undefined
  #forwardOver = false
  /** the client has its answer: its time was over before the outcome was recorded */
  #told = false
  #record: KeyRecord | undefined

  constructor(options: KeptExchangeOptions) {
    this.#options = options
    this.#forward = new Forward(this, options.sending)
  }

  start(): void {
    this.#forward.start()
  }

  resume(): void {
    this.#forward.resume()
  }

  /** The client has left. */
  leave(): void {
    if (this.#passing) this.#forward.leave()
  }

  destroy(): void {
    this.#forward.destroy()
  }

  // — what proxy/forward.ts sees of the client —

  get left(): boolean {
    return (!this.#sent || this.#passing) && this.#options.client.left
  }

  connected(): void {
    this.#sent = true
    this.#options.client.connected()
  }

  failed(kind: FailureKind, error: Error): void {
    this.#options.client.failed(kind, error)
  }

  repeated(why: RetryReason | 'elsewhere', waitMs?: number): void {
    this.#options.client.repeated(why, waitMs)
  }

  withheld(): void {
    this.#options.client.withheld()
  }

  leftAlone(): void {
    this.#options.client.leftAlone()
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
    const announced = Number(headers['content-length'] ?? 0)
    if (announced > this.#options.maxAnswerBytes || isStream(headers)) this.#keepNot()
  }

  write(chunk: Buffer): boolean {
    if (this.#passing) return this.#options.client.write(chunk)
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#recording === undefined && this.#bytes > this.#options.maxAnswerBytes) this.#keepNot()
    return this.#recording === undefined
  }

  upgraded(): string {
    return 'a tunnel has no outcome that could be kept for its key'
  }

  end(trailers: IncomingHttpHeaders): void {
    this.#ended = 'whole'
    this.#trailers = trailers
    if (this.#passing) this.#options.client.end(trailers)
  }

  cut(): void {
    this.#ended = 'cut'
    if (this.#passing) this.#options.client.cut()
  }

  /** Held back as answers are: the key is over before the client hears of it. */
  answer(problem: Problem): void {
    this.#refusal ??= problem
  }

  over(): void {
    this.#forwardOver = true
    // A record that is being written goes on by itself.
    if (this.#passing) this.#finish()
    else if (this.#recording === undefined) void this.#conclude()
  }

  /** The service's side is over, and nothing has gone to the client. */
  async #conclude(): Promise<void> {
    const { client, rule } = this.#options
    if (this.#ended !== 'whole') {
      await (this.#sent ? this.#unknown() : this.#release())
      const detail = 'The service broke its answer off; whether the request had an effect is not known.'
      client.answer(this.#refusal ?? new Problem('service-failed', { detail }))
      return this.#finish()
    }
    if (!rule.remembers(this.#status)) {
      // Said by something on the way, which does not know what the service did.
      const isUnknown = this.#status === 502 || this.#status === 504
      await (isUnknown ? this.#unknown() : this.#release())
      return this.#pass()
    }
    const body = Buffer.concat(this.#chunks, this.#bytes)
    if (await this.#store({ outcome: 'answered', status: this.#status, headers: this.#kept(), body })) this.#pass()
    else this.#finish()
  }

  /** An answer that cannot be kept: that is recorded, and then it goes as it comes. */
  #keepNot(): void {
    const outcome = { outcome: 'not-kept' as const, status: this.#status, headers: this.#kept(), body: undefined }
    this.#recording = this.#store(outcome)
    void this.#recording.then((stored) => {
      if (stored) return this.#pass()
      this.#forward.destroy()
      this.#finish()
    })
  }

  /** The client gets what has been gathered; the rest goes as it comes. */
  #pass(): void {
    const { client } = this.#options
    this.#passing = true
    if (!client.left && !this.#told) {
      client.head(this.#status, this.#headers)
      for (const chunk of this.#chunks) client.write(chunk)
      if (this.#ended === 'whole') client.end(this.#trailers)
      if (this.#ended === 'cut') client.cut()
    }
    this.#chunks = []
    if (this.#forwardOver) return this.#finish()
    if (this.#told) return this.#forward.destroy()
    if (client.left) this.#forward.leave()
    else this.#forward.resume()
  }

  /**
   * Writes the outcome, again and again while the lease may last: nobody else has the key until then. A client is not
   * kept waiting beyond its time. False: it is not written, and the client has been told.
   */
  async #store(outcome: KeyOutcome): Promise<boolean> {
    const { records, held, client, deadline, lost } = this.#options
    const tell = (): void => {
      this.#told = true
      client.answer(unknownProblem(held))
    }
    // A body may have taken longer than the time there is to the head of an answer.
    const timer = setTimeout(tell, Math.max(leastRecordingMs, deadline - performance.now()))
    let failure: unknown = new Error('another request has taken the key over')
    try {
      for (;;) {
        try {
          if (!(await records.finish(held, outcome))) break
          this.#record = { ...outcome, fingerprint: held.wanted.fingerprint, correlationId: held.wanted.correlationId }
          return true
        } catch (error) {
          failure = error
          if (performance.now() + againMs > held.leaseEndsAt) break
          await pause(againMs)
        }
      }
    } finally {
      clearTimeout(timer)
    }
    lost(held, failure)
    tell()
    return false
  }

  /** Neither may fail a request, or hold it up: what they cannot write, the end of the lease says too, only later. */
  async #release(): Promise<void> {
    await this.#inTime(this.#options.records.release(this.#options.held))
  }

  async #unknown(): Promise<void> {
    const { records, held, lost } = this.#options
    lost(held, undefined)
    await this.#inTime(records.markUnknown(held))
  }

  async #inTime(written: Promise<boolean>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.max(leastRecordingMs, this.#options.deadline - performance.now()))
    await Promise.race([written.catch(() => {}), late])
    clearTimeout(timer)
  }

  #kept(): KeyOutcome['headers'] {
    return this.#options.rule.keptHeaders(this.#status, this.#headers)
  }

  #finish(): void {
    this.#options.over(this.#record)
  }
}

function isStream(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') === true
}

function unknownProblem(held: HeldKey): Problem {
  const seconds = Math.max(1, Math.ceil((held.leaseEndsAt - performance.now()) / 1000))
  return new Problem('outcome-unknown', {
    detail: 'The service answered, and the answer could not be recorded. Send the request again, with the same key.',
    headers: ['retry-after', String(seconds)],
  })
}
