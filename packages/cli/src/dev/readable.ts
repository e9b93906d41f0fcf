/**
 * One line of a service's output as a person reads it. A pino line (or any JSON object with a message) becomes
 *
 *   info  order placed  orderId=ord_17 ms=4
 *
 * and everything else stays as it is. The time is shown by the log itself, once for every line.
 */
export interface ReadableLine {
  level: Level
  message: string
  /** `key=value`, in the order written */
  fields: string
  /** the same for programs */
  values: Readonly<Record<string, unknown>>
  /** lines that belong below it: stacks */
  below: readonly string[]
}

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

const levels: Readonly<Record<number, Level>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
const names = new Set<string>(Object.values(levels))
/** said elsewhere on the line, or of no use to a person */
const silent = new Set(['level', 'time', 'timestamp', 'pid', 'hostname', 'msg', 'message', 'v'])
/** bounds what a line may take, so that a service that prints its memory does not take the terminal */
const longest = 4000

/** `speaker`: whose line it is; a logger that names itself says nothing new. */
export function readable(line: string, speaker = ''): ReadableLine {
  const record = parse(line)
  const message = record?.['msg'] ?? record?.['message']
  if (record === undefined || typeof message !== 'string')
    return { level: 'info', message: cut(visible(line)), fields: '', values: {}, below: [] }
  const below: string[] = []
  const fields: string[] = []
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(record)) {
    if (silent.has(key) || value === undefined || ((key === 'name' || key === 'service') && value === speaker)) continue
    values[key] = value
    const stack = isError(value) ? value.stack : undefined
    if (isError(value) && stack !== undefined) below.push(...stack.split('\n').slice(0, 12).map(visible))
    else if (key === 'stack' && typeof value === 'string') below.push(...value.split('\n').slice(0, 12).map(visible))
    else fields.push(`${key}=${show(value)}`)
  }
  return {
    level: levelOf(record['level']),
    message: cut(visible(message)),
    fields: cut(fields.join(' ')),
    values,
    below,
  }
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{') || !line.endsWith('}')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function levelOf(level: unknown): Level {
  if (typeof level === 'number') return levels[Math.min(60, Math.max(10, Math.floor(level / 10) * 10))] ?? 'info'
  const name = typeof level === 'string' ? level.toLowerCase() : ''
  return names.has(name) ? (name as Level) : name === 'warning' ? 'warn' : 'info'
}

function isError(value: unknown): value is { message?: string; stack?: string } {
  return typeof value === 'object' && value !== null && typeof (value as { stack?: unknown }).stack === 'string'
}

function show(value: unknown): string {
  if (typeof value !== 'string') return visible(JSON.stringify(value) ?? 'undefined')
  return value === '' || /[\s="]/.test(value) ? JSON.stringify(value) : visible(value)
}

function cut(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length - longest} more characters)`
}

/** Colours of a service stay; what moves the cursor or rings the bell goes. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these characters are what it is about
  return text.replaceAll(/\u001B\[(?![0-9;]*m)[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000B-\u001A\u001C-\u001F\u007F]/g, '')
}
