/** The trials of `twice`: the same request, a second time. */
import { randomBytes } from 'node:crypto'
import { type Prepared, type PrepareOptions, prepare } from '../wire/prepare.ts'
import { type Exchange, type Outgoing, withHeader } from '../wire/outgoing.ts'
import type { Changed } from './change-body.ts'

type TrialName = 'sequence' | 'at-once' | 'changed-body'

export interface Trial {
  readonly name: TrialName
  /** the Idempotency-Key of both requests; absent: none was sent */
  readonly key?: string
  readonly exchanges: readonly [Exchange, Exchange]
  /** both requests were complete before either was answered; always false for one after the other */
  readonly overlapped: boolean
  readonly changed?: Changed
}

export interface TrialOptions extends Omit<PrepareOptions, 'within'> {
  /** the header that carries the key; default `Idempotency-Key` */
  keyHeader?: string
}

/** A placeholder in URL, header values and body; each trial puts a value of its own there. */
const uniquePlaceholder = '{{unique}}'

export class Trials {
  readonly #request: Outgoing
  readonly #options: TrialOptions
  readonly #header: string

  constructor(request: Outgoing, options: TrialOptions = {}) {
    this.#request = request
    this.#options = options
    this.#header = options.keyHeader ?? 'Idempotency-Key'
  }

  async sequence(withKey: boolean): Promise<Trial> {
    const { request, key } = this.#one(withKey)
    const first = await this.#send(request)
    const second = await this.#send(request)
    return { name: 'sequence', ...key, exchanges: [first, second], overlapped: false }
  }

  async atOnce(withKey: boolean): Promise<Trial> {
    const { request, key } = this.#one(withKey)
    const pair = [this.#prepare(request), this.#prepare(request)] as const
    await Promise.all(pair.map(({ ready }) => ready))
    for (const one of pair) one.release()
    const exchanges = await both(pair)
    return { name: 'at-once', ...key, exchanges, overlapped: overlapped(exchanges) }
  }

  /** The same key, another body. */
  async changedBody(changed: Changed): Promise<Trial> {
    const { request, key, fill } = this.#one(true)
    const first = await this.#send(request)
    const second = await this.#send({ ...request, body: fill(changed.body) })
    return { name: 'changed-body', ...key, exchanges: [first, second], overlapped: false, changed }
  }

  #prepare(request: Outgoing): Prepared {
    return prepare(request, { ...this.#options, within: [this.#request.url] })
  }

  async #send(request: Outgoing): Promise<Exchange> {
    const prepared = this.#prepare(request)
    await prepared.ready
    prepared.release()
    return await prepared.done
  }

  /** The request of one trial: with a fresh key or without any, and its own value in every placeholder. */
  #one(withKey: boolean): { request: Outgoing; key: { key?: string }; fill: (text: string) => string } {
    const unique = randomBytes(6).toString('hex')
    const fill = (text: string): string => text.replaceAll(uniquePlaceholder, unique)
    const key = withKey ? `twice-${randomBytes(12).toString('hex')}` : undefined
    const headers = withHeader(this.#request.headers, this.#header, key)
    const request = {
      ...this.#request,
      url: fill(decodeBraces(this.#request.url)),
      headers: headers.map(([name, value]) => [name, fill(value)] as const),
      ...(this.#request.body !== undefined && { body: fill(this.#request.body) }),
    }
    return { request, key: key === undefined ? {} : { key }, fill }
  }
}

function decodeBraces(url: string): string {
  return url.replaceAll(/%7B%7Bunique%7D%7D/gi, uniquePlaceholder)
}

async function both(pair: readonly [Prepared, Prepared]): Promise<[Exchange, Exchange]> {
  return await Promise.all([pair[0].done, pair[1].done])
}

function overlapped([a, b]: readonly [Exchange, Exchange]): boolean {
  if (a.sentAt === undefined || b.sentAt === undefined) return false
  const firstAnswer = Math.min(a.firstByteAt ?? Infinity, b.firstByteAt ?? Infinity)
  return Math.max(a.sentAt, b.sentAt) < firstAnswer
}
