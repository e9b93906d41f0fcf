import type { Difference } from '../../accepts/types.ts'
import type { Direction } from '../model.ts'

/** What a keyword of a schema was before and is now, and how that is said in a sentence. */
export interface Described {
  readonly before: unknown
  readonly after: unknown
  /** `/lines/0/qty`; empty for the whole value */
  readonly path: string
  readonly text: string
}

/** The reader of what is received is the revision; of what is sent, the base. */
export function describeDifference(difference: Difference, direction: Direction): Described {
  const { reader, writer, keyword, path } = difference
  const [before, after] = direction === 'received' ? [writer, reader] : [reader, writer]
  return {
    before: before.value,
    after: after.value,
    path,
    text: sentence(keyword, path, before.value, after.value, direction),
  }
}

function sentence(keyword: string, path: string, before: unknown, after: unknown, direction: Direction): string {
  const where = path === '' ? 'it' : `\`${path}\``
  const received = direction === 'received'
  switch (keyword) {
    case 'required': {
      // One difference a member: the reader's value is its name.
      const name = received ? after : before
      const shown = typeof name === 'string' ? `\`${name}\`` : 'a member'
      const inside = path === '' ? '' : ` of ${where}`
      return received ? `${shown}${inside} is required now` : `${shown}${inside} may be missing now`
    }
    case 'enum':
    case 'const': {
      const [old, now] = [values(before), values(after)]
      if (old !== undefined && now !== undefined) {
        const gone = old.filter((value) => !now.includes(value))
        const added = now.filter((value) => !old.includes(value))
        if (received && gone.length > 0) return `${where} may no longer be ${listed(gone, 'or')}`
        if (!received && added.length > 0) return `${where} may be ${listed(added, 'or')} now`
      }
      return `${path === '' ? '' : `${where}: `}${change(keyword, before, after, received)}`
    }
    case 'type':
      return `${where} is ${typeText(after)} now, and was ${typeText(before)}`
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return received
        ? `${where} no longer takes members that are not declared`
        : `${where} may have members that were ruled out`
    case 'false':
      return received ? `${where} is no longer accepted` : `${where} may be sent now, and was ruled out`
    default:
      return `${path === '' ? '' : `${where}: `}${change(keyword, before, after, received)}`
  }
}

function change(keyword: string, before: unknown, after: unknown, received: boolean): string {
  if (before === undefined) return `\`${keyword}: ${short(after)}\` is new`
  if (after === undefined) return `\`${keyword}: ${short(before)}\` is gone`
  // `minimum: 0` and `exclusiveMinimum: 0` have the same number, and only one of them takes it.
  if (before === after && /^(exclusive)?(min|max)imum$/i.test(keyword)) {
    return `${short(before)} itself is ${keyword.startsWith('exclusive') === received ? 'ruled out now' : 'allowed now'}`
  }
  return `\`${keyword}\` went from ${short(before)} to ${short(after)}`
}

function typeText(type: unknown): string {
  if (type === undefined) return 'of any type'
  const all = [type].flat().map(String)
  return all.join(' or ')
}

function values(value: unknown): string[] | undefined {
  if (value === undefined) return undefined
  return (Array.isArray(value) ? value : [value]).map((item) => JSON.stringify(item))
}

function listed(names: readonly string[], word = 'and'): string {
  const shown = names.slice(0, 4).map((name) => `\`${name}\``)
  if (names.length > 4) return `${shown.join(', ')} … (${names.length})`
  const last = shown.pop() ?? ''
  return shown.length === 0 ? last : `${shown.join(', ')} ${word} ${last}`
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
