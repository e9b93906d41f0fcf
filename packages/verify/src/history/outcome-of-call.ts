/** What a callback says of the work it is about. */
import type { CompletionFacts } from '../plan/completion-facts.ts'
import type { CalledRecord } from './message-records.ts'

/** Undefined: no outcome; work that goes on may be told of, too. */
export function outcomeOfCall(
  { success, failure, calls = [] }: Pick<CompletionFacts, 'success' | 'failure' | 'calls'>,
  { method, rest, headers, body }: Pick<CalledRecord, 'method' | 'rest' | 'headers' | 'body'>,
): string | undefined {
  const terminal = [...success, ...failure]
  const type = headers['ce-type']
  const said = stateIn(body, terminal) ?? terminal.find((outcome) => outcome === type)
  if (said !== undefined) return said
  const called = calls.filter((one) => one.method === method && isRest(one.rest, rest))
  const named = terminal.filter((outcome) =>
    called.some(({ callback, operation }) => outcome === callback || outcome === operation),
  )
  if (named.length === 1) return named[0]
  return terminal.length === 1 && called.some(({ tells }) => tells) ? terminal[0] : undefined
}

/** A member of a JSON text, or of its `data`, that is one of the outcomes. */
export function stateIn(body: string, terminal: readonly string[]): string | undefined {
  try {
    const value: unknown = JSON.parse(body)
    const members = membersOf(value)
    const inner = members.flatMap(([name, one]) => (name === 'data' ? membersOf(one) : []))
    return [...members, ...inner]
      .map(([, one]) => one)
      .find((one): one is string => typeof one === 'string' && terminal.includes(one))
  } catch {
    return undefined
  }
}

function membersOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' ? Object.entries(value) : []
}

/** Is this what the contract writes behind the URL? Each `{…}` of it stands for any text. */
function isRest(written: string, rest: string): boolean {
  const parts = written.split(/\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}/?$`).test(rest)
}
