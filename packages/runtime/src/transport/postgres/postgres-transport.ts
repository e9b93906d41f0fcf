/**
 * The postgres transport: an append-only log in schema `spandrel_stream`, apart from any service's data.
 * Channels, partitions and subscriptions are registered by `spandrel migrate`; nothing is created here.
 */
import { faults } from '#faults'
import type { Database } from '../../database/database.ts'
import { sqlState } from '../../database/failure.ts'
import { SpandrelError } from '../../errors.ts'
import type { OutgoingMessage } from '../../message/envelope.ts'
import { partitionOf } from '../partition.ts'
import type { PublishResult, Transport, TransportSubscription } from '../transport.ts'
import { append, type Append } from './append.ts'
import { Channels, type RegisteredChannel } from './channels.ts'
import { postgresSubscription } from './subscription.ts'
import { trim } from './trim.ts'
import { Wakes } from './wakes.ts'

export interface PostgresTransportOptions {
  /** largest message taken, attributes and data together, in bytes; 1 MiB by default */
  maxMessageBytes?: number
  /** messages kept below the slowest position of each partition, for journeys and redelivery; 1000 by default */
  keep?: number
  /** milliseconds between trims; 10 s by default */
  trimMs?: number
}

export function postgresTransport(database: Database, options: PostgresTransportOptions = {}): Transport {
  return new PostgresTransport(database, options)
}

interface Candidate extends Append {
  index: number
  address: string
  /** channel and ordering key, where it has one */
  lane: string | undefined
}

const behind: PublishResult = { ok: false, later: 'an earlier message of its key was not sent' }

class PostgresTransport implements Transport {
  readonly name = 'postgres'
  readonly features = { orderedPublish: true }
  readonly #database: Database
  readonly #channels: Channels
  readonly #wakes: Wakes
  readonly #maxBytes: number
  readonly #trimTimer: NodeJS.Timeout
  #trimming: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(database: Database, options: PostgresTransportOptions) {
    this.#database = database
    this.#channels = new Channels(database.query)
    this.#wakes = new Wakes(database)
    this.#maxBytes = options.maxMessageBytes ?? 1024 * 1024
    const keep = options.keep ?? 1000
    this.#trimTimer = setInterval(() => {
      // A failed trim is tried again at the next turn; lag and size show in health.
      this.#trimming = this.#trimming.then(() => (this.#closed ? 0 : trim(database.query, keep))).catch(() => 0)
    }, options.trimMs ?? 10_000)
    this.#trimTimer.unref()
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishResult[]> {
    const candidates: Candidate[] = []
    const results: PublishResult[] = []
    const blocked = new Set<string>()
    for (const [index, message] of messages.entries()) {
      const lane = laneOf(message)
      if (lane !== undefined && blocked.has(lane)) {
        results[index] = behind
        continue
      }
      const channel = await this.#find(message.channel)
      const attributes = JSON.stringify(message.attributes)
      const refused =
        channel === undefined
          ? `channel ${message.channel} is not registered; run \`spandrel migrate\``
          : this.#tooLarge(attributes, message.data, channel)
      if (channel === undefined || refused !== undefined) {
        results[index] = { ok: false, refused: refused ?? '' }
        if (lane !== undefined) blocked.add(lane)
        continue
      }
      const partition = faults.mutant('order-off')
        ? Math.floor(Math.random() * channel.partitions)
        : partitionOf(message.attributes.partitionkey ?? message.attributes.id, channel.partitions)
      candidates.push({
        index,
        lane,
        address: message.channel,
        channel: channel.id,
        partition,
        attributes,
        data: message.data,
      })
    }
    if (candidates.length === 0) return results
    try {
      await this.#append(candidates, results)
    } catch (cause) {
      // A stream that was made anew numbers its channels anew.
      this.#channels.forget()
      throw unavailable(cause)
    }
    this.#wakes.ring(new Set(candidates.map(({ channel }) => channel)))
    return results
  }

  async #append(candidates: readonly Candidate[], results: PublishResult[]): Promise<void> {
    let taken: ReadonlySet<string>
    try {
      taken = await append(this.#database.query, candidates)
    } catch (error) {
      if (!isFaultOfData(error)) throw error
      await this.#appendOneByOne(candidates, results, error)
      return
    }
    for (const { index, address, channel, partition } of candidates) {
      results[index] = taken.has(`${channel}:${partition}`)
        ? { ok: true }
        : { ok: false, later: `the stream ${address} is full: a subscription is far behind` }
    }
  }

  /** FM12: one message that the server cannot store must not hold back its batch for ever. */
  async #appendOneByOne(candidates: readonly Candidate[], results: PublishResult[], error: unknown): Promise<void> {
    const [only] = candidates
    if (candidates.length === 1 && only !== undefined) {
      results[only.index] = { ok: false, refused: error instanceof Error ? error.message : String(error) }
      return
    }
    const blocked = new Set<string>()
    for (const candidate of candidates) {
      const { index, lane } = candidate
      if (lane !== undefined && blocked.has(lane)) results[index] = behind
      else await this.#append([candidate], results)
      if (lane !== undefined && results[index]?.ok !== true) blocked.add(lane)
    }
  }

  async #find(address: string): Promise<RegisteredChannel | undefined> {
    try {
      return await this.#channels.find(address)
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  #tooLarge(attributes: string, data: string, channel: RegisteredChannel): string | undefined {
    const limit = Math.min(channel.maxBytes ?? this.#maxBytes, this.#maxBytes)
    // UTF-8 takes three bytes a code unit at most: only what may be too large is counted exactly.
    if ((attributes.length + data.length) * 3 <= limit) return undefined
    const bytes = Buffer.byteLength(attributes) + Buffer.byteLength(data)
    return bytes > limit ? `${bytes} bytes; channel ${channel.address} takes messages up to ${limit}` : undefined
  }

  async subscription(name: string, address: string): Promise<TransportSubscription> {
    const channel = await this.#find(address)
    const registered =
      channel !== undefined &&
      (
        await this.#database.query('select 1 from spandrel_stream.subscriptions where name = $1 and channel = $2', [
          name,
          channel.id,
        ])
      ).rows.length > 0
    if (channel === undefined || !registered) {
      throw new SpandrelError(
        'unknown-channel',
        `subscription ${name} of channel ${address} is not registered in the stream`,
        {
          hint: 'run `spandrel migrate`',
        },
      )
    }
    return postgresSubscription(this.#database.query, this.#wakes, name, channel)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#trimTimer)
    await this.#trimming
    await this.#wakes.close()
  }
}

function laneOf(message: OutgoingMessage): string | undefined {
  const { partitionkey } = message.attributes
  return partitionkey === undefined ? undefined : `${message.channel} ${partitionkey}`
}

/** Data exceptions and program limits are about what is stored, not about the server. */
function isFaultOfData(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && (state.startsWith('22') || state.startsWith('54'))
}

function unavailable(cause: unknown): SpandrelError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new SpandrelError('transport-unavailable', `the postgres stream did not answer: ${message}`, { cause })
}
