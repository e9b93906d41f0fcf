/** Two answers to one request: do they tell of one thing, or of two? */
import type { Answer } from '../wire/outgoing.ts'

/**
 * `two`: both succeeded and name different things. `differs`: both succeeded, another value differs. `times`: nothing
 * but times differ. `exchange`: nothing but an id of the request itself differs. `same`: equal. `blank`: both succeeded and neither says anything.
 */
export type Comparison =
  | { readonly kind: 'two'; readonly ids: readonly [string, string]; readonly where: string }
  | { readonly kind: 'differs'; readonly where: string; readonly values: readonly [string, string] }
  | { readonly kind: 'times'; readonly where: string }
  | { readonly kind: 'exchange'; readonly where: string; readonly values: readonly [string, string] }
  | { readonly kind: 'same'; readonly id?: string }
  | { readonly kind: 'blank' }

export function compareAnswers(first: Answer, second: Answer): Comparison {
  const bodies = [leaves(first.body), leaves(second.body)] as const
  const here = names(first, bodies[0])
  const there = new Map(names(second, bodies[1]))
  for (const [where, id] of here) {
    const other = there.get(where)
    if (other !== undefined && other !== id) return { kind: 'two', ids: [id, other], where }
  }
  const different = [...new Set([...bodies[0].keys(), ...bodies[1].keys()])].filter(
    (path) => bodies[0].get(path) !== bodies[1].get(path),
  )
  const unequal = different.filter((path) => !isRequestId(path))
  const shown = (value: string | undefined): string => value ?? 'nothing'
  const telling = unequal.find((path) => !isTime(path, bodies[0].get(path), bodies[1].get(path)))
  if (telling !== undefined) {
    return { kind: 'differs', where: telling, values: [shown(bodies[0].get(telling)), shown(bodies[1].get(telling))] }
  }
  if (first.status !== second.status) {
    return { kind: 'differs', where: 'status', values: [String(first.status), String(second.status)] }
  }
  if (unequal[0] !== undefined) return { kind: 'times', where: unequal[0] }
  // A replay would have the first one's: it was answered anew, whatever it did.
  const [own] = different
  if (own !== undefined)
    return { kind: 'exchange', where: own, values: [shown(bodies[0].get(own)), shown(bodies[1].get(own))] }
  if (first.body.trim() === '' && here.length === 0) return { kind: 'blank' }
  const [, id] = here[0] ?? []
  return { kind: 'same', ...(id !== undefined && { id }) }
}

/** What an answer calls the thing it speaks of: `/orderId`, or the end of `Location`. Shallow names first. */
function names(answer: Answer, body = leaves(answer.body)): [where: string, id: string][] {
  const found = [...body].filter(([path, value]) => isName(path) && value !== 'null' && !isRequestId(path))
  found.sort(([a], [b]) => rank(a) - rank(b))
  const location = answer.headers['location']
    ?.replace(/[?#].*$/, '')
    .split('/')
    .findLast((part) => part !== '')
  return [
    ...found.map(([path, value]): [string, string] => [path, unquoted(value)]),
    ...(location === undefined ? [] : [['Location', location] as [string, string]]),
  ]
}

function rank(path: string): number {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return path.split('/').length * 10 + (last === 'id' ? 0 : /id$/i.test(last) ? 1 : 2)
}

function isName(path: string): boolean {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return /^(id|_id|uuid|guid|number|reference|ref|code)$|(Id|_id|-id|ID|Uuid|Number|_number|Reference)$/.test(last)
}

/** Names of the exchange itself; they differ for every request. */
function isRequestId(path: string): boolean {
  return /(^|\/)(request|trace|span|correlation|transaction_trace|x-request)[-_]?id$/i.test(path)
}

function isTime(path: string, ...values: (string | undefined)[]): boolean {
  if (values.some((value) => value === undefined)) return false
  if (values.every((value) => /^"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)"$/.test(value!))) return true
  const last = path.slice(path.lastIndexOf('/') + 1)
  return (
    /(At|_at|[tT]ime|[tT]imestamp|[dD]ate|duration|elapsed|took)$/.test(last) &&
    values.every((value) => /^"?[\d.:TZ+ -]+"?$/.test(value!))
  )
}

/** Every value of a JSON body by its pointer; a body that is no JSON is one value. */
function leaves(body: string): Map<string, string> {
  const found = new Map<string, string>()
  if (body.trim() === '') return found
  const walk = (value: unknown, path: string): void => {
    if (value !== null && typeof value === 'object') {
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`)
    } else found.set(path === '' ? '/' : path, JSON.stringify(value))
  }
  try {
    walk(JSON.parse(body), '')
  } catch {
    found.set('the body', JSON.stringify(body.length > 200 ? `${body.slice(0, 200)}…` : body))
  }
  return found
}

function unquoted(value: string): string {
  return value.startsWith('"') ? (JSON.parse(value) as string) : value
}
