import type { Difference } from '../../accepts/types.ts'

/**
 * `format: int64` on an integer rules out numbers beyond 2^63. JSON implementations agree on integers up to 2^53 - 1
 * (RFC 8259, section 6), and JSON Schema 2020-12 takes `format` as an annotation unless somebody asserts it. So where
 * that alone is refused, hardly anybody can be broken. `int32`, and formats of texts, refuse what is really sent.
 */
export function onlyStatesWidth(
  { keyword, path, reader, ...difference }: Difference,
  maySend: (instance: unknown) => boolean,
): boolean {
  if (keyword !== 'format' || reader.value !== 'int64' || difference.answer !== 'no') return false
  let seen = 0
  // Any number, not integers only: then a fraction is refused as well.
  const fraction = replaced(difference.witness, path.split('/').slice(1), (value) => {
    if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value
    seen++
    return 0.5
  })
  return seen > 0 && !maySend(fraction)
}

function replaced(value: unknown, [step, ...rest]: readonly string[], by: (value: unknown) => unknown): unknown {
  if (step === undefined) return by(value)
  const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
  const one = (key: string, inner: unknown): unknown =>
    name === '*' || key === name ? replaced(inner, rest, by) : inner
  if (Array.isArray(value)) return value.map((inner, index) => one(String(index), inner))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, one(key, inner)]))
}
