import { Pool } from 'undici'
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
}

/** One instance of a service. */
export interface Instance {
  readonly url: string
  readonly pool: Pool
  /** path of its base URL, without a slash at the end; in front of every request path */
  readonly prefix: string
  /** epoch milliseconds; until then it is asked last */
  downUntil: number
  lastSuccess: number | null
  lastError: { at: number; message: string } | null
  /** pools that have it: a reload keeps the connections to an instance whose URL is unchanged */
  holders: number
}

/** How long an instance that refused a connection is asked last. Long enough to spare a crowd the same refusal. */
const restMs = 1000

/**
 * The instances of one service: round robin, those that just refused a connection last.
 * An instance is never given up: when all refuse, each request tries them all and then fails.
 */
export class ServicePool {
  readonly service: string
  readonly instances: readonly Instance[]
  readonly budget: RetryBudget
  #next = 0

  /** `before`: the pool of the same service before a reload, whose instances are taken over */
  constructor(service: string, urls: readonly URL[], options: PoolOptions, before?: ServicePool) {
    this.service = service
    this.budget = before?.budget ?? new RetryBudget()
    this.instances = urls.map(
      (url) => before?.instances.find((one) => one.url === url.href) ?? instanceAt(url, options),
    )
  }

  /** An instance that is not in `tried`; undefined: all of them are. `avoid` is asked last: it has just failed. */
  pick(tried: ReadonlySet<Instance> | undefined, avoid?: Instance): Instance | undefined {
    const { instances } = this
    const first = this.#next
    this.#next = (first + 1) % instances.length
    if (instances.length === 1) return tried?.has(instances[0] as Instance) === true ? undefined : instances[0]
    const now = Date.now()
    let resting: Instance | undefined
    for (let step = 0; step < instances.length; step++) {
      const instance = instances[(first + step) % instances.length] as Instance
      if (tried?.has(instance) === true) continue
      if (instance.downUntil <= now && instance !== avoid) return instance
      resting ??= instance
    }
    return resting
  }

  succeeded(instance: Instance): void {
    instance.lastSuccess = Date.now()
    instance.downUntil = 0
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

function instanceAt(url: URL, options: PoolOptions): Instance {
  return {
    url: url.href,
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
    lastSuccess: null,
    lastError: null,
    holders: 0,
  }
}
