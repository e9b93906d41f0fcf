/**
 * The shopper: places seeded orders over HTTP, at the gateway's address and with nothing but `fetch`.
 * Some are sent twice at once, some hung up on and sent again; whoever wants an answer asks with the same key until
 * there is one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Basket, type Purchase, purchase, STOREFRONTS } from './purchase.ts'
import { type Random, seeded } from './random.ts'
import { ShopperLog } from './shopper-log.ts'

export interface ShopperOptions {
  /** the gateway */
  url: string
  /** one API key a storefront, in the order of STOREFRONTS */
  apiKeys: readonly string[]
  seed: number
  log: string
  /** how many people shop at the same time; 6 by default */
  customers?: number
  /** between two purchases of one customer, on average; 250 ms by default */
  pauseMs?: number
  /** whether some orders are seeded to become dead letters */
  poisons: boolean
}

export interface ShopperStatus {
  /** purchases that were begun */
  begun: number
  /** orders that were accepted: one a key */
  placed: number
  /** refused for good: unknown product, key used for something else */
  refused: number
  /** requests that are under way now */
  outstanding: number
  lastOrder: { orderId: string; reference: string } | undefined
}

interface Answer {
  status: number
  orderId?: string
}

/** Nobody waits for ever; what is not answered by then was not answered. */
const PATIENCE_MS = 60_000
const TRY_TIMEOUT_MS = 8_000

export class Shopper {
  readonly #options: ShopperOptions
  readonly #log: ShopperLog
  readonly #accepted = new Map<string, { orderId: string; reference: string }>()
  #stopping = new AbortController()
  #customers: Promise<void>[] = []
  #index = 0
  #refused = 0
  #outstanding = 0
  #lastOrder: ShopperStatus['lastOrder']

  constructor(options: ShopperOptions) {
    this.#options = options
    this.#log = new ShopperLog(options.log)
  }

  start(): void {
    const customers = this.#options.customers ?? 6
    this.#stopping = new AbortController()
    this.#customers = Array.from({ length: customers }, (_, number) =>
      this.#customer(seeded(this.#options.seed, 1_000_003, number)),
    )
  }

  status(): ShopperStatus {
    return {
      begun: this.#index,
      placed: this.#accepted.size,
      refused: this.#refused,
      outstanding: this.#outstanding,
      lastOrder: this.#lastOrder,
    }
  }

  /** No new purchases; resolves when those that were begun have their answers. `start` goes on with the next one. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#customers)
    this.#customers = []
  }

  /** One purchase out of turn, seeded to become a dead letter. */
  async placePoison(): Promise<string | undefined> {
    const index = this.#index++
    const planned = purchase(this.#options.seed, index, { poisons: true })
    const basket: Basket = { ...planned.basket, sku: 'tea', cardToken: 'tok_1111222233334242', postcode: '00000' }
    const told = await this.#ask({ ...planned, basket, poison: true, manner: { kind: 'once' } }, basket, 0)
    return told?.orderId
  }

  /** Asks what became of every accepted order, and writes the answers down. */
  async askOutcomes(): Promise<{ completed: number; rejected: number; open: number }> {
    const counts = { completed: 0, rejected: 0, open: 0 }
    const waiting = [...this.#accepted.values()]
    const asker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const status = await this.#outcome(next.orderId)
        this.#log.write({ what: 'outcome', orderId: next.orderId, status })
        if (status === 'completed' || status === 'rejected') counts[status]++
        else counts.open++
      }
    }
    await Promise.all(Array.from({ length: 4 }, asker))
    return counts
  }

  close(): void {
    this.#log.close()
  }

  async #customer(random: Random): Promise<void> {
    const { seed, poisons, pauseMs = 250 } = this.#options
    while (!this.#stopping.signal.aborted) {
      await this.#buy(purchase(seed, this.#index++, { poisons }))
      await delay(random.between(pauseMs / 2, pauseMs * 1.5), undefined, { signal: this.#stopping.signal }).catch(
        () => {},
      )
    }
  }

  async #buy(planned: Purchase): Promise<void> {
    const { basket, manner } = planned
    switch (manner.kind) {
      case 'once':
        await this.#ask(planned, basket, 0)
        break
      case 'twice-at-once':
        await Promise.all([this.#ask(planned, basket, 0), this.#ask(planned, basket, 1)])
        break
      case 'impatient':
        await this.#request(planned, basket, 0, 0, manner.hangUpMs)
        await this.#ask(planned, basket, 0, 1)
        break
      case 'walks-away':
        await this.#request(planned, basket, 0, 0, manner.hangUpMs)
        break
      case 'asks-again':
        await this.#ask(planned, basket, 0)
        await this.#ask(planned, basket, 0, 100)
        break
      case 'reuses-key':
        await this.#ask(planned, basket, 0)
        await this.#ask(planned, manner.other, 0)
        break
    }
  }

  /** Asks until there is an answer that asking again would not change. */
  async #ask(planned: Purchase, basket: Basket, copy: number, firstTry = 0): Promise<Answer | undefined> {
    const started = Date.now()
    const jitter = seeded(this.#options.seed, planned.storefront, started)
    for (let number = firstTry; Date.now() - started < PATIENCE_MS; number++) {
      const answer = await this.#request(planned, basket, copy, number, TRY_TIMEOUT_MS)
      if (answer !== undefined && answer.status < 500 && answer.status !== 409 && answer.status !== 429) return answer
      await delay(jitter.between(20, 60) * Math.min(2 ** (number - firstTry), 10))
    }
    return undefined
  }

  /** One request. Undefined: nobody knows whether it arrived. */
  async #request(
    planned: Purchase,
    basket: Basket,
    copy: number,
    number: number,
    timeoutMs: number,
  ): Promise<Answer | undefined> {
    const about = {
      storefront: STOREFRONTS[planned.storefront] ?? 'web',
      key: planned.key,
      reference: basket.reference,
      copy,
      try: number,
    }
    this.#log.write({ what: 'asked', ...about, poison: planned.poison })
    this.#outstanding++
    try {
      const response = await fetch(new URL('/orders', this.#options.url), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': planned.key,
          'x-api-key': this.#options.apiKeys[planned.storefront] ?? '',
        },
        body: JSON.stringify(basket),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const body = (await response.json().catch(() => ({}))) as { orderId?: string }
      const replayed = response.headers.get('idempotent-replayed') === 'true'
      const accepted = response.status === 202 && body.orderId !== undefined ? { orderId: body.orderId } : {}
      this.#log.write({ what: 'told', ...about, status: response.status, ...accepted, replayed })
      if (accepted.orderId !== undefined) this.#accept(planned, basket, accepted.orderId)
      else if (response.status < 500 && response.status !== 409 && response.status !== 429) this.#refused++
      return { status: response.status, ...accepted }
    } catch (error) {
      this.#log.write({ what: 'unanswered', ...about, why: reason(error) })
      return undefined
    } finally {
      this.#outstanding--
    }
  }

  #accept(planned: Purchase, basket: Basket, orderId: string): void {
    this.#lastOrder = { orderId, reference: basket.reference }
    this.#accepted.set(`${planned.storefront} ${planned.key}`, this.#lastOrder)
  }

  async #outcome(orderId: string): Promise<string> {
    for (let number = 0; number < 20; number++) {
      try {
        const response = await fetch(new URL(`/orders/${orderId}`, this.#options.url), {
          headers: { 'x-api-key': this.#options.apiKeys[0] ?? '' },
          signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
        })
        const body = (await response.json().catch(() => ({}))) as { status?: unknown }
        if (response.status === 200 && typeof body.status === 'string') return body.status
        if (response.status === 404) return 'unknown'
      } catch {
        // the gateway may be starting again
      }
      await delay(100)
    }
    return 'unanswered'
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'hung up'
  return error.cause instanceof Error ? error.cause.message : error.message
}
