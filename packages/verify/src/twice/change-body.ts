/** The same request with one value changed: what a client sends that uses a key again by mistake. */
import type { Outgoing } from '../wire/outgoing.ts'

export interface Changed {
  readonly body: string
  /** JSON pointer or form field */
  readonly where: string
  readonly from: string
  readonly to: string
}

type Leaf = number | string | boolean
type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * Changes one value of a JSON or form body; undefined where there is none to change. Numbers first, then free text,
 * then true and false: a changed number is the likeliest to be still valid.
 */
export function changeBody(request: Outgoing): Changed | undefined {
  if (request.body === undefined || request.body === '') return undefined
  const json = parse(request.body)
  if (json === undefined) return changeForm(request.body)
  const leaves = [...leavesOf(json, [])]
  const best =
    leaves.find(({ value }) => typeof value === 'number') ??
    leaves.find(({ value, path }) => typeof value === 'string' && !looksClosed(value, path)) ??
    leaves.find(({ value }) => typeof value === 'string') ??
    leaves.find(({ value }) => typeof value === 'boolean')
  if (best === undefined) return undefined
  const to = other(best.value)
  return {
    body: JSON.stringify(replaced(json, best.path, to)),
    where: best.path.map((step) => `/${step}`).join('') || '/',
    from: JSON.stringify(best.value),
    to: JSON.stringify(to),
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function changeForm(body: string): Changed | undefined {
  if (!/^[^=&\s]+=[^&]*(&[^=&\s]+=[^&]*)*$/.test(body)) return undefined
  const fields = new URLSearchParams(body)
  const chosen = [...fields].find(([, value]) => /^\d+$/.test(value)) ?? [...fields].at(-1)
  if (chosen === undefined) return undefined
  const [where, from] = chosen
  const to = /^\d{1,15}$/.test(from) ? String(Number(from) + 1) : `${from}2`
  fields.set(where, to)
  return { body: fields.toString(), where, from, to }
}

/** Values of a closed list (`EUR`, `card`), addresses and dates: changing them is likely to make the body invalid. */
function looksClosed(value: string, path: readonly string[]): boolean {
  return (
    /^[A-Z_]{2,}$|^\d{4}-\d\d-\d\d|@|^[0-9a-f-]{36}$/.test(value) ||
    /^(type|kind|status|currency|country|method|mode|sku|id|.*(Id|_id))$/.test(path.at(-1) ?? '')
  )
}

function other(value: number | string | boolean): Json {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return `${value}2`
}

function* leavesOf(value: Json, path: readonly string[]): Generator<{ path: readonly string[]; value: Leaf }> {
  if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) yield* leavesOf(inner as Json, [...path, key])
  } else if (value !== null) yield { path, value }
}

function replaced(value: Json, path: readonly string[], to: Json): Json {
  const [step, ...rest] = path
  if (step === undefined) return to
  if (Array.isArray(value)) return value.map((inner, at) => (String(at) === step ? replaced(inner, rest, to) : inner))
  const object = value as { [key: string]: Json }
  return { ...object, [step]: replaced(object[step] ?? null, rest, to) }
}
