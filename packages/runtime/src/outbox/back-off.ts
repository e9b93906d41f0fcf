/**
 * Destinations that take nothing for now, so that they do not hold up the others (FM11). Keys are left out one by one;
 * a channel with very many of them is left out as a whole.
 *
 *   open ──later──▶ backing off (250 ms, doubling to 5 s) ──due──▶ open again, tried; sent: forgotten
 */
import type { Exclusions } from './relay-read.ts'

const firstMs = 250
const longestMs = 5000
const mostKeys = 500

interface Waiting {
  keys: Set<string>
  ids: Set<string>
  /** the whole channel */
  whole: boolean
  until: number
  delayMs: number
}

export class BackOff {
  readonly #waiting = new Map<string, Waiting>()
  /** the delay that comes next, of channels that were let in again and have sent nothing yet */
  readonly #delays = new Map<string, number>()

  /** A message of this channel was put off: its key waits, or it alone where it has none. */
  putOff(channel: string, key: string | null, rowId: bigint, now: number): void {
    let waiting = this.#waiting.get(channel)
    if (waiting === undefined) {
      const delayMs = this.#delays.get(channel) ?? firstMs
      waiting = { keys: new Set(), ids: new Set(), whole: false, until: now + delayMs, delayMs }
      this.#waiting.set(channel, waiting)
    }
    if (key === null) waiting.ids.add(rowId.toString())
    else waiting.keys.add(key)
    if (waiting.keys.size + waiting.ids.size > mostKeys) waiting.whole = true
  }

  /** A message of this channel was sent: the next trouble begins at the first delay. */
  sent(channel: string): void {
    if (!this.#waiting.has(channel)) this.#delays.delete(channel)
  }

  /** Lets in what is due. True: the scan must begin at 0. */
  letIn(now: number): boolean {
    let any = false
    for (const [channel, { until, delayMs }] of this.#waiting) {
      if (until > now) continue
      this.#waiting.delete(channel)
      this.#delays.set(channel, Math.min(longestMs, delayMs * 2))
      any = true
    }
    return any
  }

  /** When the next one is due, or undefined. */
  get next(): number | undefined {
    let next: number | undefined
    for (const { until } of this.#waiting.values()) next = Math.min(next ?? until, until)
    return next
  }

  get channels(): number {
    return this.#waiting.size
  }

  get exclusions(): Exclusions {
    const channels: string[] = []
    const keyChannels: string[] = []
    const keys: string[] = []
    const ids: string[] = []
    for (const [channel, waiting] of this.#waiting) {
      if (waiting.whole) {
        channels.push(channel)
        continue
      }
      for (const key of waiting.keys) {
        keyChannels.push(channel)
        keys.push(key)
      }
      ids.push(...waiting.ids)
    }
    return { channels, keyChannels, keys, ids }
  }
}
