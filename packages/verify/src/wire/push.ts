/**
 * HTTP push, as the sidecar does it: a POST each, CloudEvents in binary or structured mode, one of an ordering key at
 * a time, and again until it is answered 2xx.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { encodeBinary, encodeStructured, type OutgoingMessage } from '@spandrel/runtime/operate'
import { prepare } from './prepare.ts'
import type { MessageRoad } from './message-road.ts'
import type { HeaderList, Outgoing } from './outgoing.ts'

export interface PushRoadOptions {
  readonly url: string
  readonly mode?: 'binary' | 'structured'
  readonly headers?: HeaderList
  /** for one answer */
  readonly timeoutMs: number
  /** how long one message is tried */
  readonly giveUpMs: number
  readonly signal?: AbortSignal
}

export class PushRoad implements MessageRoad {
  readonly kind = 'push'
  readonly #options: PushRoadOptions

  constructor(options: PushRoadOptions) {
    this.#options = options
  }

  async deliver(messages: readonly OutgoingMessage[], { together }: { together: boolean }): Promise<void> {
    if (together) {
      await Promise.all(messages.map((message) => this.#insist(message)))
      return
    }
    const keys = Map.groupBy(messages, ({ attributes: { partitionkey, id } }) => partitionkey ?? id)
    await Promise.all(
      [...keys.values()].map(async (lane) => {
        for (const message of lane) await this.#insist(message)
      }),
    )
  }

  async #insist(message: OutgoingMessage): Promise<void> {
    const until = performance.now() + this.#options.giveUpMs
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 500)) {
      const prepared = prepare(this.#request(message), {
        within: [this.#options.url],
        timeoutMs: this.#options.timeoutMs,
      })
      await prepared.ready
      prepared.release()
      const { outcome } = await prepared.done
      const status = outcome.kind === 'answer' ? outcome.answer.status : undefined
      if (status !== undefined && status < 300) return
      // What trying again would not change is a dead letter at once: there is nothing more to deliver.
      if (status !== undefined && status < 500 && ![408, 425, 429].includes(status)) return
      if (performance.now() > until || this.#options.signal?.aborted === true) return
      await pause(waitMs)
    }
  }

  #request(message: OutgoingMessage): Outgoing {
    const { url, mode = 'binary', headers = [] } = this.#options
    if (mode === 'structured') {
      const all = [...headers, ['Content-Type', 'application/cloudevents+json'] as const]
      return { method: 'POST', url, headers: all, body: encodeStructured(message) }
    }
    const { headers: own, body } = encodeBinary(message)
    return { method: 'POST', url, headers: [...headers, ...Object.entries(own)], body }
  }
}
