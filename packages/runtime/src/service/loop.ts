/** A background loop of a service: supervised, and each shows its last success in health (FM36). */
export interface Loop {
  readonly name: string
  /** Starts it; resolves when the first round is under way. Faults are logged and retried, never thrown later. */
  start(): Promise<void>
  /** Finishes or rolls back what is in flight, then stops. Idempotent. */
  stop(options: { deadlineMs: number }): Promise<void>
  health(): LoopHealth
}

export interface LoopHealth {
  /** epoch milliseconds, or null before the first */
  lastSuccess: number | null
  lastError: { at: number; message: string } | null
  /** numbers worth a metric: `oldestUnsentSeconds`, `heldDead`, … */
  gauges: Readonly<Record<string, number>>
}

/** Libraries force no logger; `console` and pino both fit. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
