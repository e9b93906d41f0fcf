import type { ServicePool } from '../proxy/service-pool.ts'
import { Counters } from './counters.ts'

/** Upper bounds in seconds. Requests are counted in the first bucket that holds them and summed up when rendered. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

/** What one operation (or `unknown`: no operation) has done. Plain numbers: the hot path only adds. */
export class RouteMetrics {
  readonly service: string
  readonly operation: string
  readonly statuses = new Map<number, number>()
  readonly buckets = new Float64Array(bounds.length + 1)
  seconds = 0

  constructor(service: string, operation: string) {
    this.service = service
    this.operation = operation
  }

  /** `status` 499: the client went away before it had an answer. */
  count(status: number, seconds: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    this.seconds += seconds
    let index = 0
    while (index < bounds.length && seconds > (bounds[index] as number)) index++
    this.buckets[index] = (this.buckets[index] as number) + 1
  }
}

export type FailureKind = 'connect' | 'broken' | 'timeout' | 'answer-cut'

/** All numbers of one gateway. */
export class Metrics {
  readonly unknown = new RouteMetrics('', 'unknown')
  /** what guarantees did */
  readonly counters = new Counters()
  #routes = new Map([['', this.unknown]])
  readonly #failures = new Map<string, { service: string; kind: FailureKind; count: number }>()
  /** attempts at a service beyond the first of a request */
  repeats = 0
  readonly reloads = { loaded: 0, refused: 0 }
  /** epoch milliseconds */
  loadedAt = 0

  /** The numbers of an operation: a reload goes on with those that it has. */
  route(service: string, operation: string): RouteMetrics {
    const key = `${service}.${operation}`
    const route = this.#routes.get(key) ?? new RouteMetrics(service, operation)
    this.#routes.set(key, route)
    return route
  }

  /** Forgets operations that are served no more: names come and go, and every name has some thirty series. */
  keep(served: Iterable<RouteMetrics>): void {
    const kept = new Set(served).add(this.unknown)
    this.#routes = new Map([...this.#routes].filter(([, route]) => kept.has(route)))
  }

  failed(service: string, kind: FailureKind): void {
    const key = `${service} ${kind}`
    const found = this.#failures.get(key)
    if (found === undefined) this.#failures.set(key, { service, kind, count: 1 })
    else found.count++
  }

  /** Prometheus text format, version 0.0.4. */
  render(inFlight: number): string {
    const lines: string[] = []
    head(lines, 'spandrel_gateway_requests_total', 'counter', 'Requests by operation and status (499: the client left)')
    for (const { service, operation, statuses } of this.#routes.values()) {
      for (const [status, count] of statuses) {
        lines.push(`spandrel_gateway_requests_total${labels({ service, operation, status: String(status) })} ${count}`)
      }
    }
    const duration = 'spandrel_gateway_request_duration_seconds'
    head(lines, duration, 'histogram', 'Seconds from the request head to the end of the answer')
    for (const { service, operation, statuses, buckets, seconds } of this.#routes.values()) {
      // A large contract has thousands of operations, and fourteen lines of zeros for each.
      if (statuses.size === 0) continue
      let sum = 0
      for (const [index, count] of buckets.entries()) {
        sum += count
        const le = index < bounds.length ? String(bounds[index]) : '+Inf'
        lines.push(`${duration}_bucket${labels({ service, operation, le })} ${sum}`)
      }
      lines.push(`${duration}_sum${labels({ service, operation })} ${seconds}`)
      lines.push(`${duration}_count${labels({ service, operation })} ${sum}`)
    }
    head(lines, 'spandrel_gateway_service_failures_total', 'counter', 'Exchanges with services that failed, by kind')
    for (const { service, kind, count } of this.#failures.values()) {
      lines.push(`spandrel_gateway_service_failures_total${labels({ service, kind })} ${count}`)
    }
    head(lines, 'spandrel_gateway_repeated_attempts_total', 'counter', 'Attempts beyond the first of a request')
    lines.push(`spandrel_gateway_repeated_attempts_total ${this.repeats}`)
    head(lines, 'spandrel_gateway_requests_in_flight', 'gauge', 'Requests being answered, or still at a service')
    lines.push(`spandrel_gateway_requests_in_flight ${inFlight}`)
    head(lines, 'spandrel_gateway_reloads_total', 'counter', 'Reloads of the contracts, by outcome')
    for (const [outcome, count] of Object.entries(this.reloads)) {
      lines.push(`spandrel_gateway_reloads_total${labels({ outcome })} ${count}`)
    }
    head(lines, 'spandrel_gateway_contracts_loaded_seconds', 'gauge', 'When the contracts were loaded, since the epoch')
    lines.push(`spandrel_gateway_contracts_loaded_seconds ${this.loadedAt / 1000}`)
    return `${lines.join('\n')}\n${this.counters.render()}`
  }
}

/** Which instances are left alone, in the same format. */
export function openBreakers(pools: readonly ServicePool[]): string {
  const lines: string[] = []
  const name = 'spandrel_gateway_breaker_open'
  head(lines, name, 'gauge', '1 while an instance is asked no more because it failed too often')
  for (const pool of pools) {
    for (const instance of pool.instances) {
      const state = pool.breakerOf(instance)?.state
      if (state === undefined) continue
      lines.push(`${name}${labels({ service: pool.service, instance: instance.url })} ${state === 'closed' ? 0 : 1}`)
    }
  }
  return lines.length === 2 ? '' : `${lines.join('\n')}\n`
}

function head(lines: string[], name: string, type: string, help: string): void {
  lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
}

function labels(values: Record<string, string>): string {
  const pairs = Object.entries(values).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  )
  return `{${pairs.join(',')}}`
}
