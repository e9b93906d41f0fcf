/**
 * What a SQL text would do to the transaction it runs in, told by a scan of its tokens. It must never take a
 * dangerous statement for a harmless one, so whatever it cannot read for certain counts as dangerous.
 */
export interface StatementKind {
  /** reads and writes rows, and nothing else: may run in a transaction shared with other handlers */
  readonly plain: boolean
  /** begins or ends a transaction: never a handler's business */
  readonly endsTransaction: boolean
  /** `rollback to savepoint`: undoes an earlier failure when it succeeds */
  readonly rollsBackTo: boolean
  /** what to name in an error: the first word that is not plain */
  readonly word: string
}

/** All that is allowed in a shared transaction; SET, LOCK, DECLARE, SAVEPOINT, DO, CALL … are not in it. */
const plainWords = new Set(['select', 'insert', 'update', 'delete', 'merge', 'with', 'values', 'table', 'notify'])
const controlWords = new Set(['begin', 'start', 'commit', 'end', 'abort', 'rollback'])

const known = new Map<string, StatementKind>()
const knownLimit = 2000
const knownLength = 10_000

export function statementKind(sql: string): StatementKind {
  const found = known.get(sql)
  if (found !== undefined) return found
  const kind = judge(sql)
  if (known.size >= knownLimit) known.clear()
  if (sql.length <= knownLength) known.set(sql, kind)
  return kind
}

function judge(sql: string): StatementKind {
  const { statements, certain, setsConfiguration } = scan(sql)
  let word = certain ? '' : 'a text that cannot be read for certain'
  if (setsConfiguration) word = 'set_config'
  let endsTransaction = false
  let rollsBackTo = false
  for (const [first = '', second = '', third = ''] of statements) {
    if (!plainWords.has(first)) word ||= first.toUpperCase()
    const back =
      first === 'rollback' && (second === 'to' || ((second === 'work' || second === 'transaction') && third === 'to'))
    if (back) rollsBackTo = true
    else if (controlWords.has(first) || (first === 'prepare' && second === 'transaction')) endsTransaction = true
  }
  return { plain: word === '', endsTransaction, rollsBackTo, word }
}

const space = /\s/
const wordStart = /[A-Za-z_\u0080-\uffff]/
const wordPart = /[A-Za-z0-9_$\u0080-\uffff]/

/** The first three words of each statement in a text. */
function scan(sql: string): { statements: string[][]; certain: boolean; setsConfiguration: boolean } {
  const statements: string[][] = []
  let words: string[] | undefined
  let certain = true
  let setsConfiguration = false
  let i = 0
  const token = (text: string): void => {
    if (words === undefined) statements.push((words = []))
    // `(select …)` is a select
    if (words.length < 3 && text !== '(') words.push(text)
  }
  while (i < sql.length) {
    const c = sql[i] as string
    if (space.test(c)) i++
    else if (c === ';') {
      words = undefined
      i++
    } else if (c === '-' && sql[i + 1] === '-') {
      while (i < sql.length && sql[i] !== '\n' && sql[i] !== '\r') i++
    } else if (c === '/' && sql[i + 1] === '*') {
      // comments nest
      let depth = 1
      i += 2
      while (i < sql.length && depth > 0) {
        if (sql[i] === '/' && sql[i + 1] === '*') {
          depth++
          i += 2
        } else if (sql[i] === '*' && sql[i + 1] === '/') {
          depth--
          i += 2
        } else i++
      }
      if (depth > 0) certain = false
    } else if (c === "'") {
      token("'")
      const end = literalEnd(sql, i, false)
      certain &&= end.certain
      i = end.at
    } else if (c === '"') {
      const end = sql.indexOf('"', i + 1)
      if (end < 0) certain = false
      if (sql.slice(i + 1, end).toLowerCase() === 'set_config') setsConfiguration = true
      token('"')
      i = end < 0 ? sql.length : end + 1
    } else if (c === '$' && dollarTag(sql, i) !== undefined) {
      const tag = dollarTag(sql, i) as string
      const end = sql.indexOf(tag, i + tag.length)
      if (end < 0) certain = false
      token('$')
      i = end < 0 ? sql.length : end + tag.length
    } else if (wordStart.test(c)) {
      const start = i
      while (i < sql.length && wordPart.test(sql[i] as string)) i++
      const word = sql.slice(start, i).toLowerCase()
      if (word === 'set_config') setsConfiguration = true
      if (word === 'e' && sql[i] === "'") {
        token("'")
        const end = literalEnd(sql, i, true)
        certain &&= end.certain
        i = end.at
      } else {
        // U&"…" may spell any name
        if (word === 'u' && sql[i] === '&' && sql[i + 1] === '"') certain = false
        token(word)
      }
    } else if (c >= '0' && c <= '9') {
      while (i < sql.length && wordPart.test(sql[i] as string)) i++
      token('0')
    } else {
      token(c)
      i++
    }
  }
  return { statements, certain, setsConfiguration }
}

/**
 * After the literal that begins at `start`. A backslash before a quote reads differently with
 * `standard_conforming_strings` off, which cannot be known here: not certain.
 */
function literalEnd(sql: string, start: number, escapes: boolean): { at: number; certain: boolean } {
  let certain = true
  let i = start + 1
  while (i < sql.length) {
    const c = sql[i]
    if (c === '\\') {
      if (escapes) {
        i += 2
        continue
      }
      if (sql[i + 1] === "'" || sql[i + 1] === '\\') certain = false
    } else if (c === "'") {
      if (sql[i + 1] !== "'") return { at: i + 1, certain }
      i++
    }
    i++
  }
  return { at: sql.length, certain: false }
}

function dollarTag(sql: string, start: number): string | undefined {
  if (start > 0 && wordPart.test(sql[start - 1] as string)) return undefined
  const found = /^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(sql.slice(start, start + 130))
  return found?.[0]
}
