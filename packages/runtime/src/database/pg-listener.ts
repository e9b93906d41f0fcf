/**
 * LISTEN and NOTIFY on a connection of its own, outside the pool's count where the pool tells how to make one.
 *
 *   closed ◀── close() ── connecting ⇄ connected      (a lost connection is made again after 0.1 … 5 s)
 *
 * Everything here is a hint: what was missed while the connection was away is covered by one call of `heard` when it
 * is back, and by the poll behind every hint.
 */
import type { Notifier } from './database.ts'
import type { PgPool, PgQueryable } from './pg-types.ts'

const firstDelayMs = 100
const longestDelayMs = 5000
/** A connection that a firewall has forgotten looks alive; a round trip tells. */
const pingMs = 30_000
const pingTimeoutMs = 10_000

interface OwnClient extends PgQueryable {
  on(event: 'error' | 'end', listener: () => void): unknown
  on(event: 'notification', listener: (message: Notification) => void): unknown
  connect?(): Promise<unknown>
  end?(): Promise<unknown>
  release?(destroy?: boolean | Error): void
}

interface Notification {
  channel: string
  payload?: string
}

export class OwnConnection implements Notifier {
  readonly #pool: PgPool
  readonly #channel: string
  readonly #heard: ((payload: string) => void) | undefined
  #client: OwnClient | undefined
  #opening: Promise<void> | undefined
  #delay = firstDelayMs
  #timer: NodeJS.Timeout | undefined
  #ping: NodeJS.Timeout | undefined
  #closed = false

  constructor(pool: PgPool, channel: string, heard?: (payload: string) => void) {
    this.#pool = pool
    this.#channel = channel
    this.#heard = heard
  }

  /** Resolves when it is connected, or when the first try failed: it goes on trying. */
  async open(): Promise<void> {
    if (this.#closed || this.#client !== undefined) return
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    await this.#opening
  }

  async notify(payload = ''): Promise<void> {
    if (this.#client === undefined) {
      // A lost connection is tried again at its own pace, not with every hint.
      if (this.#timer === undefined) await this.open()
    }
    const client = this.#client
    if (client === undefined) return
    try {
      await client.query({ text: 'select pg_notify($1, $2)', values: [this.#channel, payload] })
    } catch {
      this.#lost(client)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#opening
    const client = this.#client
    this.#client = undefined
    clearInterval(this.#ping)
    if (client !== undefined) await end(client)
  }

  async #connect(): Promise<void> {
    let client: OwnClient | undefined
    try {
      client = await ownClient(this.#pool)
      const connected = client
      connected.on('error', () => this.#lost(connected))
      connected.on('end', () => this.#lost(connected))
      if (this.#heard !== undefined) {
        connected.on('notification', (message) => {
          if (message.channel === this.#channel) this.#heard?.(message.payload ?? '')
        })
        await connected.query({ text: `listen "${this.#channel.replaceAll('"', '""')}"` })
      }
      if (this.#closed) {
        await end(connected)
        return
      }
      this.#client = connected
      this.#delay = firstDelayMs
      this.#ping = setInterval(() => void this.#check(connected), pingMs)
      this.#ping.unref()
      // What was sent while nobody listened.
      this.#heard?.('')
    } catch {
      if (client !== undefined) await end(client)
      this.#again()
    }
  }

  async #check(client: OwnClient): Promise<void> {
    const timer = setTimeout(() => this.#lost(client), pingTimeoutMs)
    timer.unref()
    try {
      await client.query({ text: 'select 1' })
    } catch {
      this.#lost(client)
    } finally {
      clearTimeout(timer)
    }
  }

  #lost(client: OwnClient): void {
    if (this.#client !== client) return
    this.#client = undefined
    clearInterval(this.#ping)
    void end(client)
    this.#again()
  }

  #again(): void {
    if (this.#closed || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.open()
    }, this.#delay)
    this.#timer.unref()
    this.#delay = Math.min(this.#delay * 2, longestDelayMs)
  }
}

/** A client that does not count against the pool, made as the pool makes its own; else one taken from it. */
async function ownClient(pool: PgPool): Promise<OwnClient> {
  const { Client, options } = pool as PgPool & { Client?: new (options: unknown) => OwnClient; options?: unknown }
  if (typeof Client !== 'function' || options === undefined) return (await pool.connect()) as unknown as OwnClient
  const client = new Client(options)
  client.on('error', () => {})
  await client.connect?.()
  return client
}

async function end(client: OwnClient): Promise<void> {
  client.on('error', () => {})
  try {
    if (client.release !== undefined) client.release(true)
    else await client.end?.()
  } catch {
    // It is gone, which is what was wanted.
  }
}
