/** The logger of services that bring none: warnings and errors, a JSON line each, on standard error. */
import type { Logger } from './loop.ts'

export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => line('warn', fields, message),
  error: (fields, message) => line('error', fields, message),
}

function line(level: string, fields: object, message: string): void {
  const written = { time: new Date().toISOString(), level, message, ...fields }
  console.error(JSON.stringify(written, (_, value: unknown) => (value instanceof Error ? plain(value) : value)))
}

function plain(error: Error): object {
  const { code, hint } = error as { code?: unknown; hint?: unknown }
  return {
    name: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(hint !== undefined && { hint }),
    // A stack helps with faults of the program; ours say in their text what to do.
    ...(hint === undefined && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: plain(error.cause) }),
  }
}
