/**
 * Looks at an answer on its way to the client. It stands between the client and whatever brings the answer:
 *
 *   warn      every byte goes as it comes; a copy of a JSON body is checked at its end, and a fault is noted
 *   enforce   a JSON body with a schema is held back until it is whole; one that does not fit is never seen outside:
 *             the client gets 502 `answer-invalid`
 *
 * A body that is larger than the limit, encoded, or a stream, is passed on unchecked. That is counted.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SchemaCheck } from '@spandrel/contract'
import type { FailureKind } from '../management/metrics.ts'
import type { Edge } from '../edge.ts'
import { Problem } from '../problem.ts'
import type { Client, RetryReason } from '../proxy/forward.ts'
import type { Route } from '../routes/route.ts'
import { type AnswerFault, type AnswerRule, bodyFault } from './answer-rule.ts'

interface CheckedAnswerOptions {
  readonly client: Client
  readonly rule: AnswerRule
  /** `HEAD` has no body to be checked */
  readonly method: string
  /** bytes of a body that are held to be checked */
  readonly limit: number
  /** a fault was found: for log and metrics */
  readonly noted: (status: number, fault: AnswerFault) => void
  /** a body was passed on without a look */
  readonly unchecked: () => void
}

class CheckedAnswer implements Client {
  readonly #options: CheckedAnswerOptions
  #check: SchemaCheck | undefined
  /** the head has not gone to the client: it waits for its body */
  #holding = false
  /** the client has been refused: what else comes is dropped */
  #refused = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(options: CheckedAnswerOptions) {
    this.#options = options
  }

  get left(): boolean {
    return this.#options.client.left
  }

  connected(): void {
    this.#options.client.connected()
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    const { client, rule, method, limit, unchecked } = this.#options
    this.#status = status
    this.#headers = headers
    const hasBody = method !== 'HEAD' && status !== 204 && status !== 304 && headers['content-length'] !== '0'
    const { fault, check } = rule.head(status, headers, hasBody)
    if (fault !== undefined && !this.#takes(fault)) return
    const coding = headers['content-encoding']
    const readable = coding === undefined || coding.toLowerCase() === 'identity'
    // 206 is a part: no schema describes it.
    if (check !== undefined && (!readable || status === 206 || Number(headers['content-length'] ?? 0) > limit)) {
      unchecked()
    } else this.#check = check
    this.#holding = rule.mode === 'enforce' && this.#check !== undefined
    if (!this.#holding) client.head(status, headers)
  }

  write(chunk: Buffer): boolean {
    if (this.#refused) return true
    if (this.#check === undefined) return this.#options.client.write(chunk)
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > this.#options.limit) return this.#giveUp(chunk)
    return this.#holding || this.#options.client.write(chunk)
  }

  end(trailers: IncomingHttpHeaders): void {
    if (this.#refused) return
    const { client } = this.#options
    if (this.#check !== undefined) {
      const fault = bodyFault(Buffer.concat(this.#chunks, this.#bytes), this.#check)
      if (fault !== undefined && !this.#takes(fault)) return
      if (this.#holding) this.#release()
    }
    client.end(trailers)
  }

  cut(): void {
    if (this.#refused) return
    const { client } = this.#options
    if (!this.#holding) return client.cut()
    client.answer(new Problem('service-failed', { detail: 'The service broke its answer off.' }))
  }

  upgraded(status: number, headers: IncomingHttpHeaders, service: Duplex): string | undefined {
    return this.#options.client.upgraded(status, headers, service)
  }

  answer(problem: Problem): void {
    this.#options.client.answer(problem)
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

  over(): void {
    this.#chunks = []
    this.#options.client.over()
  }

  /** Whether the answer goes on in spite of its fault. */
  #takes(fault: AnswerFault): boolean {
    const { client, rule, noted } = this.#options
    noted(this.#status, fault)
    if (rule.mode === 'warn') return true
    this.#refused = true
    this.#chunks = []
    const detail = 'The service answered what its contract does not declare; the log of the gateway says where.'
    client.answer(new Problem('answer-invalid', { detail }))
    return false
  }

  #release(): void {
    const { client } = this.#options
    this.#holding = false
    client.head(this.#status, this.#headers)
    for (const chunk of this.#chunks) client.write(chunk)
  }

  /** Too much to be checked: what was held goes, and the rest as it comes. */
  #giveUp(last: Buffer): boolean {
    const { client, unchecked } = this.#options
    unchecked()
    this.#check = undefined
    const held = this.#holding
    if (held) this.#release()
    this.#chunks = []
    return held || client.write(last)
  }
}

/** A client whose answers are looked at first. */
export function checked(
  client: Client,
  { service, operation: { operation } }: Route,
  rule: AnswerRule,
  { limits, metrics, logger }: Edge,
  request: { readonly id: string; readonly method: string | undefined },
): Client {
  const name = `${service}.${operation}`
  return new CheckedAnswer({
    client,
    rule,
    method: request.method ?? 'GET',
    limit: limits.answerBytes,
    noted: (status, { at, detail }) => {
      metrics.counters.add('invalidAnswers', { operation: name, mode: rule.mode })
      const fields = { service, operation, status, at, detail, correlationId: request.id }
      logger.warn(fields, 'an answer does not fit its contract')
    },
    unchecked: () => metrics.counters.add('uncheckedAnswers', { operation: name }),
  })
}
