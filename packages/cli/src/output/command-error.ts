/** Why a command could not run: what happened, where, and what to do. Shown without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  /** a file, a database, a service, an option */
  readonly where: string | undefined
  readonly fix: string | undefined

  constructor(what: string, options: { where?: string | undefined; fix?: string | undefined; cause?: unknown } = {}) {
    super(what, options.cause === undefined ? undefined : { cause: options.cause })
    this.where = options.where
    this.fix = options.fix
  }
}

export interface Complaint {
  what: string
  where?: string
  fix?: string
  code?: string
}

/** Any error as what, where and fix. */
export function complaint(error: unknown): Complaint {
  if (error instanceof CommandError) {
    return {
      what: error.message,
      ...(error.where === undefined ? {} : { where: error.where }),
      ...(error.fix === undefined ? {} : { fix: error.fix }),
    }
  }
  if (!(error instanceof Error)) return { what: String(error) }
  const { code, hint } = error as { code?: unknown; hint?: unknown }
  // A connection to several addresses that all refused has an empty message and its reasons inside.
  const inner = error instanceof AggregateError ? error.errors.find((one) => one instanceof Error) : undefined
  return {
    what: error.message || (inner as Error | undefined)?.message || error.name,
    ...(typeof hint === 'string' ? { fix: hint } : {}),
    ...(typeof code === 'string' ? { code } : {}),
  }
}
