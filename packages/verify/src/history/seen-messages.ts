/** Which of the messages that were seen are about a marker. */
import type { Emits } from '../plan/message-facts.ts'

interface Sighting {
  readonly channel: string
  readonly attributes: Readonly<Record<string, string | undefined>>
  readonly data: string
}

/** Those that show an effect of this marker. A redelivery is the same message: one of each (source, id). */
export function shownBy<T extends Sighting>(seen: readonly T[], emits: Emits, marker: string): T[] {
  const found = new Map<string, T>()
  for (const one of seen) {
    if (one.channel !== emits.channel || (emits.type !== undefined && one.attributes['type'] !== emits.type)) continue
    if (!isAbout(one, emits.where, marker)) continue
    const identity = `${one.attributes['source']} ${one.attributes['id']}`
    if (!found.has(identity)) found.set(identity, one)
  }
  return [...found.values()]
}

export function isAbout(one: Sighting, where: unknown, marker: string): boolean {
  if (!names(one.data, marker)) {
    // A message may be told from others by what caused it alone.
    return where === undefined && one.attributes['correlationid'] === marker
  }
  if (where === undefined) return true
  try {
    return matches(JSON.parse(one.data), JSON.parse(JSON.stringify(where).replaceAll('$marker', marker)))
  } catch {
    return false
  }
}

/** Does the text have this marker? `…-m1` is no part of `…-m12`. */
export function names(text: string, marker: string): boolean {
  for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + 1)) {
    if (!/\d/.test(text[at + marker.length] ?? '')) return true
  }
  return false
}

function matches(value: unknown, pattern: unknown): boolean {
  if (pattern === null || typeof pattern !== 'object') return value === pattern
  if (value === null || typeof value !== 'object') return false
  return Object.entries(pattern).every(([key, inner]) => matches((value as Record<string, unknown>)[key], inner))
}
