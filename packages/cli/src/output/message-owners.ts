import type { MessageOwners } from '@spandrel/contract'
import { count, table } from './table.ts'

/** More would push the findings off the screen; a shop of five services has eight. */
const MOST_LINES = 12
const MOST_NAMES = 6

/**
 * How many owners a new field of each message would involve: a line for each set of owners, the largest first. What
 * has no place is counted in the last line.
 *
 * ```text
 * owners that a new field would involve
 *   3  team-finance, team-logistics, team-payments: payments.paymentCaptured
 *   2  team-orders, team-warehouse: orders.orderPlaced, inventory.stockReserved
 * ```
 */
export function ownersInShort(messages: readonly MessageOwners[]): readonly string[] {
  if (messages.length === 0) return []
  const groups = [...Map.groupBy(messages, ({ owners }) => owners.join(', '))]
    .map(([owners, members]) => ({ owners, members, number: members[0]?.owners.length ?? 0 }))
    .toSorted((a, b) => b.number - a.number || b.members.length - a.members.length)
  const rows = groups.slice(0, MOST_LINES).map(({ owners, members, number }) => {
    const names = members.slice(0, MOST_NAMES).map(({ message }) => message)
    const more = members.length - names.length
    return `  ${number}  ${owners}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  })
  const left = groups.slice(MOST_LINES)
  const others = left.reduce((sum, { members }) => sum + members.length, 0)
  const rest = `  ${count(others, 'more message')} of ${count(left[0]?.number ?? 0, 'owner')} at most: --owners lists all`
  return ['owners that a new field would involve', ...rows, ...(others > 0 ? [rest] : []), '']
}

/** The same, a line for each message. */
export function ownersInFull(messages: readonly MessageOwners[]): readonly string[] {
  if (messages.length === 0) return []
  const rows = messages.map(({ message, owners }) => [message, String(owners.length), owners.join(', ')])
  return [...table([['MESSAGE', 'OWNERS', 'A NEW FIELD INVOLVES'], ...rows]), '']
}
