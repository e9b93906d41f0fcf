/** Counts the effects of a message's marker: in a database, by an operation of the service, or by what it sent. */
import { isDeepStrictEqual } from 'node:util'
import type { History } from '../history/history.ts'
import { isAbout, names, shownBy } from '../history/seen-messages.ts'
import type { DeadRecord, SeenRecord } from '../history/message-records.ts'
import type { Emits, MessageProbe, ReceiveFacts } from '../plan/message-facts.ts'
import { countOf, probeRequest } from '../request/build-request.ts'
import { at, steps } from '../request/place.ts'
import type { HeaderList, Outgoing } from '../wire/outgoing.ts'
import { prepare } from '../wire/prepare.ts'
import type { StreamRoad } from '../wire/stream.ts'

export interface EffectReaderOptions {
  readonly history: History
  /** base URL of an instance, where the service has HTTP operations */
  readonly base?: string
  readonly headers: HeaderList
  readonly counters: Readonly<Record<string, (marker: string) => Promise<number>>>
  readonly stream?: StreamRoad
  /** of every marker and key of the run */
  readonly prefix: string
  /** the dead letters among these messages, in tables of the runtime */
  readonly held?: HeldReader
  readonly orders?: Orders
}

export type Orders = Readonly<Record<string, (key: string) => Promise<readonly string[]>>>

/** A dead letter in a table of the runtime. */
export interface HeldLetter {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly attempts: number
  readonly reason: string | null
  readonly data: string
}

/** By message id. */
export type HeldReader = (ids: readonly string[]) => Promise<readonly HeldLetter[]>

/** What has effects that can be counted: a receive operation, or an HTTP operation. */
export interface Counted {
  readonly operation: string
  readonly probe: MessageProbe
}

interface Reading {
  count?: number
  why?: string
}

export class EffectReader {
  readonly #options: EffectReaderOptions
  /** markers and keys that do not begin with the prefix, because the contract wants a UUID */
  readonly #known = new Set<string>()
  readonly #seen: SeenRecord[] = []
  readonly #shown = new Map<string, (marker: string) => Promise<number>>()
  #collecting: Promise<void> = Promise.resolve()

  constructor(options: EffectReaderOptions) {
    this.#options = options
  }

  know(...values: readonly string[]): void {
    for (const value of values) if (!value.startsWith(this.#options.prefix)) this.#known.add(value)
  }

  get seen(): readonly SeenRecord[] {
    return this.#seen
  }

  async read({ operation, probe }: Counted, marker: string): Promise<Reading> {
    const counter = this.#options.counters[operation] ?? this.#shown.get(operation)
    if (counter !== undefined) return await counter(marker).then((count) => ({ count }), failed)
    const { base, headers } = this.#options
    const request = base === undefined ? undefined : probeRequest({ probe }, base, marker, headers)
    if (request !== undefined) {
      const answer = await this.#ask(request)
      if (typeof answer === 'string') return { why: answer }
      const count = countOf({ probe }, answer.status, answer.body)
      return typeof count === 'number' ? { count } : { why: count }
    }
    const { emits } = probe
    if (emits === undefined || this.#options.stream === undefined)
      return { why: probe.oracle === 'strong' ? 'there is no transport to look at: --transport' : probe.oracle.weak }
    return await this.#countShown(emits, marker).then((count) => ({ count }), failed)
  }

  /** From now on, effects of this HTTP operation are counted by the messages that show them. */
  countBy(operation: string, emits: Emits): (marker: string) => Promise<number> {
    const count = (marker: string): Promise<number> => this.#countShown(emits, marker)
    this.#shown.set(operation, count)
    return count
  }

  /** How many effects of a marker are shown by messages that came until now. */
  async #countShown(emits: Emits, marker: string): Promise<number> {
    await this.collect()
    return Math.ceil(shownBy(this.#seen, emits, marker).length / emits.times)
  }

  /** What came on the watched channels since the last time, noted where it is about this run. */
  async collect(): Promise<void> {
    const { stream, history } = this.#options
    if (stream === undefined) return
    // One after the other: each goes on where the last one ended.
    const next = this.#collecting
      .catch(() => {})
      .then(async () => {
        for (const one of await stream.collect()) {
          if (!this.#isOurs(`${one.data}${one.attributes.correlationid}${one.attributes['causationid'] ?? ''}`))
            continue
          const record: SeenRecord = { type: 'seen', at: history.clock(), ...one }
          this.#seen.push(record)
          history.add(record)
        }
      })
    this.#collecting = next
    await next
  }

  async order(
    { operation, probe }: ReceiveFacts,
    key: string,
    markers: readonly string[],
  ): Promise<{ markers?: readonly string[]; why?: string }> {
    const { base, headers } = this.#options
    const lister = this.#options.orders?.[operation]
    if (lister !== undefined) return await lister(key).then((found) => ({ markers: found }), failed)
    if (probe.order !== undefined && base !== undefined) {
      const { order } = probe
      const read = { ...order, parameters: withKey(order.parameters, key) }
      const request = probeRequest({ probe: { ...probe, read, oracle: 'strong' } }, base, key, headers)
      const answer = request === undefined ? 'it cannot be asked for' : await this.#ask(request)
      if (typeof answer === 'string') return { why: answer }
      return listed(answer.body, order.list)
    }
    const { emits } = probe
    if (emits === undefined || this.#options.stream === undefined) return { why: 'nothing shows the order of effects' }
    await this.collect()
    const sightings = this.#seen
      .filter(({ channel }) => channel === emits.channel)
      .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    const found = sightings.flatMap((one) => markers.filter((marker) => isAbout(one, emits.where, marker)))
    // Each at its first time: a message may be there twice.
    return { markers: [...new Set(found)] }
  }

  /** Is this message a dead letter now? What it looks like is noted once. */
  async dead(operation: ReceiveFacts, trial: string, { id, marker }: { id: string; marker: string }): Promise<boolean> {
    const { history, held } = this.#options
    const sent = history.records.find((record) => record.type === 'message' && record.id === id)
    const data = sent?.type === 'message' ? sent.data : ''
    const add = (record: Omit<DeadRecord, 'type' | 'trial' | 'marker' | 'at'>): true => {
      history.add({ type: 'dead', trial, marker, at: history.clock(), ...record })
      return true
    }
    const { deadLetter } = operation
    if (deadLetter !== 'none' && deadLetter.channel !== undefined && this.#options.stream !== undefined) {
      await this.collect()
      const copy = this.#seen.find(({ channel, data: text }) => channel === deadLetter.channel && names(text, marker))
      if (copy === undefined) return false
      const { attributes } = copy
      const attempts = Number(attributes['attempts'] ?? Number.NaN)
      return add({
        where: 'channel',
        ...defined('id', attributes['id']),
        ...defined('source', attributes['source']),
        ...defined('messageType', attributes['type']),
        ...defined('reason', attributes['reason']),
        ...(Number.isInteger(attempts) && { attempts }),
        sameData: sameJson(copy.data, data),
      })
    }
    const [letter] = (await held?.([id])) ?? []
    if (letter === undefined) return false
    return add({
      where: 'held',
      id: letter.id,
      source: letter.source,
      messageType: letter.type,
      attempts: letter.attempts,
      ...defined('reason', letter.reason ?? undefined),
      sameData: sameJson(letter.data, data),
    })
  }

  #isOurs(text: string): boolean {
    return text.includes(this.#options.prefix) || [...this.#known].some((value) => text.includes(value))
  }

  async #ask(request: Outgoing): Promise<{ status: number; body: string } | string> {
    const { base } = this.#options
    let why = ''
    for (let attempt = 0; attempt < 3; attempt++) {
      const prepared = prepare(request, { within: base === undefined ? [] : [base], timeoutMs: 5000 })
      await prepared.ready
      prepared.release()
      const { outcome } = await prepared.done
      if (outcome.kind === 'answer') return outcome.answer
      why = outcome.why
    }
    return why
  }
}

function defined<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined || value === '' ? {} : { [key]: value }) as { [P in K]?: string }
}

function sameJson(one: string, other: string): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(one), JSON.parse(other))
  } catch {
    return false
  }
}

function failed(error: unknown): Reading {
  return { why: error instanceof Error ? error.message : String(error) }
}

function withKey(parameters: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, String(value).replaceAll('$key', key)]),
  )
}

function listed(body: string, list: string): { markers?: readonly string[]; why?: string } {
  const pointer = /^\$response\.body(?:#(.*))?$/.exec(list)
  if (pointer === null) return { why: `\`list: ${list}\` does not name a place of $response.body` }
  try {
    const found = at(JSON.parse(body), steps(pointer[1] ?? ''))
    return Array.isArray(found) ? { markers: found.map(String) } : { why: `there is no list at ${list}` }
  } catch {
    return { why: 'it was not answered with JSON' }
  }
}
