/** The system's own stream: messages are appended to it as another service would, and what others append is seen. */
import {
  openObserver,
  openTransport,
  type OutgoingMessage,
  type StreamObserver,
  type Transport,
} from '@spandrel/runtime/operate'
import type { MessageRoad, Seen } from './message-road.ts'

const readAtOnce = 500

export class StreamRoad implements MessageRoad {
  readonly kind = 'stream'
  readonly #transport: Transport
  readonly #observer: StreamObserver
  readonly #places = new Map<string, number[]>()

  static async open(url: string): Promise<StreamRoad> {
    const observer = await openObserver(url)
    return new StreamRoad(await openTransport(url), observer)
  }

  private constructor(transport: Transport, observer: StreamObserver) {
    this.#transport = transport
    this.#observer = observer
  }

  async deliver(messages: readonly OutgoingMessage[]): Promise<void> {
    const results = await this.#transport.publish(messages)
    for (const result of results) {
      if (!result.ok)
        throw new Error(`the stream did not take a message: ${'refused' in result ? result.refused : result.later}`)
    }
  }

  /** From here on, what comes on these channels is seen. Returns those that do not exist. */
  async watch(channels: readonly string[]): Promise<string[]> {
    const found = await this.#observer.place(channels)
    for (const [channel, heads] of found) this.#places.set(channel, [...heads])
    return channels.filter((channel) => !found.has(channel))
  }

  async collect(): Promise<Seen[]> {
    const seen: Seen[] = []
    for (const [channel, place] of this.#places) {
      for (;;) {
        const deliveries = await this.#observer.since(channel, place, readAtOnce)
        for (const { partition, offset, attributes, data } of deliveries) {
          place[partition] = offset
          seen.push({ channel, partition, offset, attributes, data })
        }
        if (deliveries.length < readAtOnce) break
      }
    }
    return seen
  }

  async close(): Promise<void> {
    await this.#transport.close()
    await this.#observer.close()
  }
}
