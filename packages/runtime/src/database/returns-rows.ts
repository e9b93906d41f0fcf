/**
 * Whether a statement of ours is answered with rows. For libraries with two calls, of which one gives rows and the other
 * the number of rows that were changed. A text of several statements gives none.
 */
export function returnsRows(sql: string): boolean {
  const text = sql.replaceAll(/\/\*[^]*?\*\/|--.*/g, ' ').replaceAll(/'[^']*'/g, "''")
  if (text.includes(';')) return false
  const [first = ''] = /\w+/.exec(text) ?? []
  if (!/^(?:select|values|table|with|insert|update|delete|merge)$/i.test(first)) return false
  let top = text
  for (let inner = ''; inner !== top;) {
    inner = top
    top = top.replaceAll(/\([^()]*\)/g, ' ')
  }
  const [verb = ''] = /\b(?:select|values|table|insert|update|delete|merge)\b/i.exec(top) ?? []
  return /^(?:select|values|table)$/i.test(verb) || /\breturning\b/i.test(top)
}
