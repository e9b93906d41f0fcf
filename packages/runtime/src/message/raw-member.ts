/**
 * The text of one member of a JSON object, exactly as it stands there: parsing and writing it again would change
 * numbers that JavaScript cannot hold. The last one counts where a name stands twice, as for `JSON.parse`.
 *
 * `text` must be valid JSON with an object on top; that is for the caller to know.
 */
export function rawMember(text: string, name: string): string | undefined {
  let at = skipSpace(text, 0) + 1
  let found: string | undefined
  for (;;) {
    at = skipSpace(text, at)
    if (text[at] !== '"') return found
    const nameEnd = stringEnd(text, at)
    const raw = text.slice(at, nameEnd)
    at = skipSpace(text, nameEnd) + 1
    at = skipSpace(text, at)
    const end = valueEnd(text, at)
    if (raw === `"${name}"` || (raw.includes('\\') && JSON.parse(raw) === name)) found = text.slice(at, end)
    at = skipSpace(text, end) + 1
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function valueEnd(text: string, start: number): number {
  let at = start
  let depth = 0
  while (at < text.length) {
    const c = text[at]
    if (c === '"') {
      at = stringEnd(text, at)
      if (depth === 0) return at
      continue
    }
    if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') {
      if (depth === 0) return trimEnd(text, start, at)
      if (--depth === 0) return at + 1
    } else if (c === ',' && depth === 0) return trimEnd(text, start, at)
    at++
  }
  return at
}

function trimEnd(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length
}
