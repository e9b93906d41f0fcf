import type { Breaker, Entry } from '@spandrel/runtime/operate'
import { Pool } from 'undici'
import type { Breakers } from './breakers.ts'
import { RetryBudget } from './retry-budget.ts'

export interface PoolOptions {
  /** connections to one instance; further requests wait for one, within their own time limit */
  readonly connections: number
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  /** whose certificates are believed; undefined: the usual authorities' */
  readonly authorities: string[] | undefined
  /** offered to services at `https:` URLs */
  readonly http2: boolean
  readonly breakers: Breakers
  /** false: no instance is ever left alone */
  readonly leavesAlone: boolean
}

/** One instance of a service. */
export interface Instance {
  readonly url: string
  readonly pool: Pool
  /** whose certificates it believes, and whether it offers HTTP/2: of what it was made */
  readonly trust: Pick<PoolOptions, 'authorities' | 'http2'>
  readonly breaker: Breaker
  /** path of its base URL, without a slash at the end; in front of every request path */
  readonly prefix: string
  /** epoch milliseconds; until then it is asked last */
  downUntil: number
  /** answers in a row that ask for a pause */
  paused: number
  /** epoch milliseconds of the last answer */
  lastSuccess: number | null
  /** the last that counts against it */
  lastError: { at: number; message: string } | null
  /** pools that have it: a reload keeps the connections to an instance whose URL is unchanged */
  holders: number
}

/** Who takes a request. */
export interface Picked {
  readonly instance: Instance
  /** to be told how the attempt ended; undefined: nobody wants to know */
  readonly admitted: Admitted | undefined
}

export type Admitted = Extract<Entry, { refusedMs: undefined }>

/** All that could be asked are left alone, for at least so long. */
export interface AllOpen {
  readonly instance: undefined
  readonly openMs: number
}

/** How long an instance that refused a connection is asked last. Long enough to spare a crowd the same refusal. */
const restMs = 1000
/** So many answers in a row that ask for a pause, and it has such a rest, too. */
const pauses = 5

/**
 * The instances of one service: round robin, those that just refused a connection last. One that fails too often is
 * left alone: its breaker is open. It is never given up: probes go on.
 */
export class ServicePool {
  readonly service: string
  readonly instances: readonly Instance[]
  readonly budget: RetryBudget
  readonly #leavesAlone: boolean
  #next = 0

  /** `before`: the pool of the same service before a reload, whose instances are taken over */
  constructor(service: string, urls: readonly URL[], options: PoolOptions, before?: ServicePool) {
    this.service = service
    this.budget = before?.budget ?? new RetryBudget()
    this.#leavesAlone = options.leavesAlone
    this.instances = urls.map(
      (url) =>
        before?.instances.find((one) => one.url === url.href && isSpokenTo(one, options)) ??
        instanceAt(service, url, options),
    )
  }

  /** undefined: this pool leaves nobody alone. What the breaker knows is kept meanwhile. */
  breakerOf(instance: Instance): Breaker | undefined {
    return this.#leavesAlone ? instance.breaker : undefined
  }

  /** Milliseconds until an instance may be asked; 0: now. */
  get refusedMs(): number {
    return Math.min(...this.instances.map((instance) => this.breakerOf(instance)?.refusedMs ?? 0))
  }

  /**
   * An instance that is not in `tried`; undefined: all of them are. `avoid` has just failed, and is asked last, as are
   * those that refused a connection a moment ago.
   */
  pick(tried: ReadonlySet<Instance> | undefined, avoid?: Instance): Picked | AllOpen | undefined {
    const { instances } = this
    const first = this.#next
    this.#next = (first + 1) % instances.length
    const now = Date.now()
    let openMs = Number.POSITIVE_INFINITY
    for (const last of [false, true]) {
      for (let step = 0; step < instances.length; step++) {
        const instance = instances[(first + step) % instances.length] as Instance
        if (tried?.has(instance) === true) continue
        if ((instance.downUntil > now || instance === avoid) !== last) continue
        const entry = this.breakerOf(instance)?.enter()
        if (entry?.refusedMs === undefined) return { instance, admitted: entry }
        openMs = Math.min(openMs, entry.refusedMs)
      }
    }
    return openMs === Number.POSITIVE_INFINITY ? undefined : { instance: undefined, openMs }
  }

  succeeded(instance: Instance): void {
    instance.lastSuccess = Date.now()
    instance.downUntil = 0
    instance.paused = 0
  }

  /** It answers, and asks for a pause: where that is all it says, others are asked first. */
  asksForPause(instance: Instance): void {
    instance.lastSuccess = Date.now()
    instance.paused++
    if (instance.paused >= pauses) instance.downUntil = instance.lastSuccess + restMs
  }

  failed(instance: Instance, error: Error, connected: boolean): void {
    const now = Date.now()
    instance.lastError = {
      at: now,
      message: `${(error as NodeJS.ErrnoException).code ?? error.name}: ${error.message}`,
    }
    if (!connected) instance.downUntil = now + restMs
  }

  /** One more user; see `release`. */
  hold(): void {
    for (const instance of this.instances) instance.holders++
  }

  /** Nothing will be sent by this pool any more. Connections that no other pool has are closed. */
  release(): void {
    for (const instance of this.instances) if (--instance.holders === 0) void instance.pool.close()
  }

  async destroy(): Promise<void> {
    await Promise.all(this.instances.map(({ pool }) => pool.destroy()))
  }
}

/** In the way that is wanted. */
function isSpokenTo({ url, trust }: Instance, { authorities, http2 }: PoolOptions): boolean {
  return url.startsWith('http:') || (trust.http2 === http2 && trust.authorities?.join() === authorities?.join())
}

function instanceAt(service: string, url: URL, options: PoolOptions): Instance {
  const instance: Instance = {
    url: url.href,
    trust: { authorities: options.authorities, http2: options.http2 },
    prefix: url.pathname.replace(/\/+$/, ''),
    pool: new Pool(url.origin, {
      connections: options.connections,
      connect: {
        timeout: options.connectTimeoutMs,
        ...(options.authorities !== undefined && { ca: options.authorities }),
        // Not first in the list by itself: a service that takes both would choose HTTP/1.1.
        preferH2: options.http2,
      },
      keepAliveTimeout: options.keepAliveMs,
      pipelining: 1,
      allowH2: options.http2,
      // The exchange has one time limit of its own, for the head of the answer.
      headersTimeout: 0,
      bodyTimeout: 0,
    }),
    downUntil: 0,
    paused: 0,
    lastSuccess: null,
    lastError: null,
    breaker: options.breakers.of(service, url.href, () => instance.lastError?.message),
    holders: 0,
  }
  return instance
}
