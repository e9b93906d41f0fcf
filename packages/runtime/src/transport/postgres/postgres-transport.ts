/**
 * The postgres transport: an append-only log in schema `spandrel_stream`, apart from any service's data.
 * Channels, partitions and subscriptions are registered by `spandrel migrate`; nothing is created here.
 */
import type { Database } from '../../database/database.ts'
import { SpandrelError } from '../../errors.ts'
import type { OutgoingMessage } from '../../message/envelope.ts'
import { partitionOf } from '../partition.ts'
import type { PublishResult, Transport, TransportSubscription } from '../transport.ts'
import { append, type Append } from './append.ts'
import { Channels } from './channels.ts'
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
    const results: (PublishResult | undefined)[] = messages.map(() => undefined)
    const batch: Append[] = []
    const places: number[] = []
    for (const [index, message] of messages.entries()) {
      const channel = await this.#channels.find(message.channel)
      const attributes = JSON.stringify(message.attributes)
      const bytes = Buffer.byteLength(attributes) + Buffer.byteLength(message.data)
      if (channel === undefined) {
        results[index] = {
          ok: false,
          refused: `channel ${message.channel} is not registered; run \`spandrel migrate\``,
        }
      } else if (bytes > this.#maxBytes) {
        results[index] = { ok: false, refused: `${bytes} bytes; the stream takes messages up to ${this.#maxBytes}` }
      } else {
        const key = message.attributes.partitionkey ?? message.attributes.id
        batch.push({
          channel: channel.id,
          partition: partitionOf(key, channel.partitions),
          attributes,
          data: message.data,
        })
        places.push(index)
      }
    }
    if (batch.length > 0) {
      const taken = await this.#append(batch)
      for (const [at, place] of places.entries()) {
        const { channel, partition } = batch[at] as Append
        results[place] = taken.has(`${channel}:${partition}`)
          ? { ok: true }
          : { ok: false, later: `the stream ${messages[place]?.channel} is full: a subscription is far behind` }
      }
      this.#wakes.ring(new Set(batch.map((message) => message.channel)))
    }
    return results as PublishResult[]
  }

  async #append(batch: readonly Append[]): Promise<ReadonlySet<string>> {
    try {
      return await append(this.#database.query, batch)
    } catch (cause) {
      // A stream that was made anew numbers its channels anew.
      this.#channels.forget()
      throw unavailable(cause)
    }
  }

  async subscription(name: string, address: string): Promise<TransportSubscription> {
    const channel = await this.#channels.find(address).catch((cause: unknown) => {
      throw unavailable(cause)
    })
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

function unavailable(cause: unknown): SpandrelError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new SpandrelError('transport-unavailable', `the postgres stream did not answer: ${message}`, { cause })
}
