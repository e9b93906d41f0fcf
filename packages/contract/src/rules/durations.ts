import type { Guarantees, RetryGuarantee } from '../model/guarantees.ts'
import type { System } from '../model/system.ts'

const SECOND = 1000
const DAY = 86_400 * SECOND

/** What a transport keeps a message for where `channels` does not say. */
const TRANSPORT_RETENTION = 7 * DAY

/** The waits between all attempts, jitter at its longest. */
function waits({ attempts, backoff, delayMs, maxDelayMs }: RetryGuarantee): number {
  let total = 0
  for (let retry = 1; retry < attempts; retry++) {
    const factor = backoff === 'exponential' ? 2 ** (retry - 1) : backoff === 'linear' ? retry : 1
    total += Math.min(delayMs * factor, maxDelayMs)
  }
  return total
}

/** From the beginning of the first attempt to the end of the last, in milliseconds; attempts of no known length count 0. */
export function retrySpan({ retry, timeoutMs = 0 }: Guarantees): number {
  return retry === 'none' ? timeoutMs : waits(retry) + retry.attempts * timeoutMs
}

/** How long after its first delivery a message may come again: retries, dead letter, and what the transport keeps. */
export function redeliverySpan(system: System, guarantees: Guarantees, channel: string): Span {
  const { deadLetter } = guarantees
  const held = deadLetter === 'none' || deadLetter.replay === 'never' ? 0 : deadLetter.retentionMs
  const kept = system.channels[channel]?.retentionMs ?? TRANSPORT_RETENTION
  const retries = retrySpan(guarantees)
  return {
    ms: retries + held + kept,
    words: `${inWords(retries)} of retries + ${inWords(held)} as a dead letter + ${inWords(kept)} in the transport`,
  }
}

export interface Span {
  readonly ms: number
  readonly words: string
}

/** `30 d`, `75 h 35 min`, `41.4 s`, `50 ms`: the two largest parts. */
export function inWords(ms: number): string {
  if (ms > 0 && ms < SECOND) return `${ms} ms`
  if (ms < 60 * SECOND) return `${Number((ms / SECOND).toFixed(1))} s`
  const minutes = Math.round(ms / (60 * SECOND))
  const days = Math.floor(minutes / 1440)
  const parts: readonly [number, string][] =
    days >= 4
      ? [
          [days, 'd'],
          [Math.floor((minutes % 1440) / 60), 'h'],
        ]
      : [
          [Math.floor(minutes / 60), 'h'],
          [minutes % 60, 'min'],
        ]
  return parts
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** As a contract writes it, rounded up: `P31D`, `PT76H`, `PT42S`. */
export function asDuration(ms: number): string {
  if (ms >= 4 * DAY) return `P${Math.ceil(ms / DAY)}D`
  if (ms >= 3600 * SECOND) return `PT${Math.ceil(ms / (3600 * SECOND))}H`
  if (ms >= 60 * SECOND) return `PT${Math.ceil(ms / (60 * SECOND))}M`
  return `PT${Math.ceil(ms / SECOND)}S`
}
