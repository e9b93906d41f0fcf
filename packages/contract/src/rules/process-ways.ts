import type { Service, System } from '../model/system.ts'
import { retrySpan } from './durations.ts'
import { nameOf, receiversOf } from './operations.ts'

/** Receive operations behind one another, and how long all of them may take with their retries. */
interface ProcessWay {
  readonly ms: number
  /** `inventory.reserveStock` */
  readonly steps: readonly string[]
}

/** A system of services is small; a generated one must not take for ever. */
const MOST_STEPS = 10_000

/**
 * The way through a process that may take longest: from what a service sends, over services that send on, until a
 * service would be passed twice. Undoing is no part of it, nor is who only listens.
 */
export function longestWay(start: Service, process: string, system: System): ProcessWay {
  let left = MOST_STEPS
  const follow = (service: Service, passed: ReadonlySet<string>): ProcessWay => {
    let longest: ProcessWay = { ms: 0, steps: [] }
    for (const send of Object.values(service.sends)) {
      if (send.integration?.process !== process) continue
      for (const receive of receiversOf(system, send)) {
        const next = system.services[receive.service]
        const { integration, guarantees } = receive
        if (next === undefined || integration?.process !== process || integration.compensates !== undefined) continue
        if (!sendsOn(next, process) || left-- <= 0) continue
        const comesBack = passed.has(next.name)
        if (comesBack && next !== start) continue
        // The runtime's own retries are no promise that somebody made.
        const own = guarantees.declared.retry === undefined ? 0 : retrySpan(guarantees.values)
        const rest = comesBack ? { ms: 0, steps: [] } : follow(next, new Set([...passed, next.name]))
        if (own + rest.ms > longest.ms) longest = { ms: own + rest.ms, steps: [nameOf(receive), ...rest.steps] }
      }
    }
    return longest
  }
  return follow(start, new Set([start.name]))
}

/** A service that only books what happened decides no outcome. */
export function sendsOn({ sends }: Service, process: string): boolean {
  return Object.values(sends).some(({ integration }) => integration?.process === process)
}
