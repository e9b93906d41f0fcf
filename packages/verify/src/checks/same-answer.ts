/** Is a replayed answer the first answer: status, body, declared headers? */
import { declaredFor, type OperationFacts } from '../plan/operation-facts.ts'
import type { Answer } from '../wire/outgoing.ts'
import { steps } from '../request/place.ts'

/** What differs, in words; undefined where nothing does. */
export function difference(
  first: Answer,
  other: Answer,
  operation: OperationFacts,
  volatile: readonly string[],
): string | undefined {
  if (first.status !== other.status) return `the first was answered ${first.status}, a copy ${other.status}`
  const [a, b] = [body(first, volatile), body(other, volatile)]
  if (a !== b) return `the bodies differ: ${cut(a)} and ${cut(b)}`
  const declared = declaredFor(operation, first.status)?.headers ?? []
  for (const name of declared) {
    // What a replay says of itself differs by its meaning.
    if (name === 'idempotent-replayed' || name === 'date') continue
    if (first.headers[name] !== other.headers[name]) {
      return `the header ${name} was ${first.headers[name] ?? 'absent'}, then ${other.headers[name] ?? 'absent'}`
    }
  }
  return undefined
}

function body(answer: Answer, volatile: readonly string[]): string {
  try {
    const value = JSON.parse(answer.body) as unknown
    for (const pointer of volatile) remove(value, steps(pointer))
    return canonical(value)
  } catch {
    return answer.body
  }
}

function remove(value: unknown, pointer: readonly string[]): void {
  const [step, ...rest] = pointer
  if (step === undefined || value === null || typeof value !== 'object') return
  if (rest.length === 0) delete (value as Record<string, unknown>)[step]
  else remove((value as Record<string, unknown>)[step], rest)
}

/** Members in one order: a server may write them in any. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
