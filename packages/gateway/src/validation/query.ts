/** Decoded names and *raw* values, in order: a delimiter inside a value is told from an escaped one before decoding. */
export type RawPairs = readonly (readonly [name: string, raw: string])[]

/** The pairs of a query string. A name with a broken escape stays as it is: it can match no declared parameter. */
export function parseQuery(query: string): RawPairs {
  if (query === '') return []
  const pairs: [string, string][] = []
  for (const part of query.split('&')) {
    if (part === '') continue
    const mark = part.indexOf('=')
    const name = mark === -1 ? part : part.slice(0, mark)
    pairs.push([decodeForm(name) ?? name, mark === -1 ? '' : part.slice(mark + 1)])
  }
  return pairs
}

/** The pairs of a `cookie` header, quotes removed. */
export function parseCookies(header: string): RawPairs {
  const pairs: [string, string][] = []
  for (const part of header.split(';')) {
    const mark = part.indexOf('=')
    if (mark === -1) continue
    const value = part.slice(mark + 1).trim()
    const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"')
    pairs.push([part.slice(0, mark).trim(), quoted ? value.slice(1, -1) : value])
  }
  return pairs
}

/** `application/x-www-form-urlencoded`; undefined: an escape is broken or is not UTF-8. */
export function decodeForm(text: string): string | undefined {
  return decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text)
}

/** undefined: an escape is broken or is not UTF-8. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
