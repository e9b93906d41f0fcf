/** The log of our processes: JSON lines on standard output, without secrets. */
import { type Logger, pino } from 'pino'
import { CommandError } from '../output/command-error.ts'

const levels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Written at once: the last lines of a process are the ones that matter. `LOG_LEVEL` (info). */
export function serveLog(name?: string): Logger {
  const level = process.env['LOG_LEVEL'] || 'info'
  if (!levels.includes(level)) {
    throw new CommandError(`LOG_LEVEL is ${JSON.stringify(level)}, and no level`, {
      where: 'LOG_LEVEL',
      fix: `one of ${levels.join(', ')}`,
    })
  }
  return pino(
    {
      base: name === undefined ? null : { pid: process.pid, name },
      level,
      serializers: { error: plain, err: plain },
    },
    pino.destination({ fd: 1, sync: true }),
  )
}

/** What helps, and nothing of a row: the server's `detail` quotes values. */
function plain(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code, hint } = error as { code?: unknown; hint?: unknown }
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause
  return {
    type: error.name,
    message: withoutCredentials(error.message),
    ...(typeof code === 'string' && { code }),
    ...(typeof hint === 'string' && { hint }),
    ...(inner instanceof Error && { cause: plain(inner) }),
  }
}

/** URLs in a text, without their passwords. */
function withoutCredentials(text: string): string {
  return text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, '$1:***@')
}
