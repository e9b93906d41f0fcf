/**
 * The stream's doorbell. After an append has committed, one NOTIFY tells which channels have something new; at most
 * one is outstanding, and what comes in the meantime goes with the next. A hint only: readers poll as well.
 */
import type { Database, Notifier } from '../../database/database.ts'

const notifyChannel = 'spandrel_stream'

export class Wakes {
  readonly #database: Database
  readonly #watchers = new Map<number, Set<() => void>>()
  readonly #notifier: Notifier | undefined
  #listening: Promise<{ close(): Promise<void> } | undefined> | undefined
  #pending = new Set<number>()
  #sending: Promise<void> | undefined
  #closed = false

  constructor(database: Database) {
    this.#database = database
    this.#notifier = database.notifier?.(notifyChannel)
  }

  /** Rings for these channels: in this process at once, in others by NOTIFY. */
  ring(channels: ReadonlySet<number>): void {
    this.#wake(channels)
    if (this.#notifier === undefined || this.#closed) return
    for (const channel of channels) this.#pending.add(channel)
    this.#sending ??= this.#send(this.#notifier)
  }

  watch(channel: number, wake: () => void): { close(): Promise<void> } {
    const watchers = this.#watchers.get(channel) ?? new Set()
    this.#watchers.set(channel, watchers.add(wake))
    this.#listening ??= Promise.resolve(
      this.#database.listen?.(notifyChannel, (payload) => this.#heard(payload)),
    ).catch(() => undefined)
    return {
      close: async () => {
        watchers.delete(wake)
      },
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    await this.#sending
    await this.#notifier?.close()
    await (await this.#listening)?.close()
  }

  async #send(notifier: Notifier): Promise<void> {
    try {
      while (this.#pending.size > 0) {
        const channels = [...this.#pending]
        this.#pending = new Set()
        await notifier.notify(channels.join(','))
      }
    } catch {
      // The poll behind the hint finds what this one would have told.
    } finally {
      this.#sending = undefined
    }
  }

  /** An empty payload: anything may have happened (the connection was away). */
  #heard(payload: string | undefined): void {
    this.#wake(payload ? new Set(payload.split(',').map(Number)) : new Set(this.#watchers.keys()))
  }

  #wake(channels: ReadonlySet<number>): void {
    for (const channel of channels) for (const wake of this.#watchers.get(channel) ?? []) wake()
  }
}
