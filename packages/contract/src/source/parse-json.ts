import type { Findings } from '../findings/findings.ts'
import type { SourceLocation } from '../model/location.ts'
import { DEEPEST, Unreadable } from './limits.ts'
import type { Entry, Node } from './node.ts'
import { pointerTo } from './pointer.ts'

/**
 * JSON (RFC 8259) to located nodes. YAML's parser reads JSON too, but a `.json` file deserves messages about JSON, and
 * generated ones are large: 3 MB took it 10 s, and take 0.3 s here.
 */
export function parseJson(file: string, source: string, findings: Findings): Node | undefined {
  try {
    return new JsonReader(file, source, findings).document()
  } catch (fault) {
    if (fault instanceof Unreadable) return undefined
    throw fault
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

class JsonReader {
  readonly #file: string
  readonly #source: string
  readonly #findings: Findings
  readonly #lines: number[] = [0]
  #at = 0
  #line = 0

  constructor(file: string, source: string, findings: Findings) {
    this.#file = file
    this.#source = source
    this.#findings = findings
    for (let index = source.indexOf('\n'); index >= 0; index = source.indexOf('\n', index + 1))
      this.#lines.push(index + 1)
  }

  document(): Node {
    this.#space()
    if (this.#at === this.#source.length)
      this.#fail('empty-document', 'the document is empty', 'write the document, or remove the reference to it')
    const node = this.#value('', 0)
    this.#space()
    if (this.#at < this.#source.length) this.#syntax('something follows the end of the document', 'remove it')
    return node
  }

  #value(pointer: string, depth: number, keyAt?: SourceLocation): Node {
    if (depth > DEEPEST)
      this.#fail('too-deep', `more than ${DEEPEST} levels of nesting`, 'split the document with $ref')
    const start = this.#at
    const at = this.#place(start, pointer)
    const key = keyAt === undefined ? undefined : { keyAt }
    const first = this.#source[start]
    if (first === '{') return { kind: 'map', at, entries: this.#members(pointer, depth), ...key }
    if (first === '[') return { kind: 'list', at, items: this.#items(pointer, depth), ...key }
    if (first === '"') {
      const value = this.#text()
      return { kind: 'scalar', at, value, source: value, ...key }
    }
    const literal = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y
    literal.lastIndex = start
    const [source] = literal.exec(this.#source) ?? []
    if (source === undefined) this.#notAValue(first)
    this.#at += source.length
    return { kind: 'scalar', at, value: JSON.parse(source) as number | boolean | null, source, ...key }
  }

  #notAValue(first: string | undefined): never {
    if (first === undefined)
      this.#syntax('the document ends where a value is expected', 'close every brace and bracket')
    if (first === '}' || first === ']') this.#syntax('there is a comma before the end', 'remove the comma')
    if (first === "'") this.#syntax('text stands in single quotes', 'use double quotes')
    if (first === '/' || first === '#')
      this.#syntax('JSON has no comments', 'remove the comment, or name the file .yaml')
    return this.#syntax(
      `\`${this.#source.slice(this.#at, this.#at + 20).split(/[\s,}\]]/)[0]}\` is no JSON value`,
      'put text in double quotes',
    )
  }

  #members(pointer: string, depth: number): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>()
    this.#at++
    this.#space()
    if (this.#take('}')) return entries
    for (;;) {
      const start = this.#at
      if (this.#source[start] !== '"') this.#notAKey(this.#source[start])
      const key = this.#text()
      const inner = pointerTo(pointer, key)
      const keyAt = this.#place(start, inner)
      this.#space()
      if (!this.#take(':')) this.#syntax(`a colon is missing after \`${key}\``, 'write `"key": value`')
      this.#space()
      const value = this.#value(inner, depth + 1, keyAt)
      if (entries.has(key)) {
        const message = `\`${key}\` is written twice in one object (first in line ${entries.get(key)?.keyAt.line})`
        this.#findings.error(keyAt, 'duplicate-key', message, 'remove or rename one of them')
      } else entries.set(key, { keyAt, value })
      this.#space()
      if (this.#take('}')) return entries
      this.#comma('}')
    }
  }

  #notAKey(first: string | undefined): never {
    if (first === '}') this.#syntax('there is a comma before the end', 'remove the comma')
    if (first === undefined) this.#syntax('the document ends inside an object', 'close it with `}`')
    return this.#syntax('a key must be text in double quotes', 'write `"key": value`')
  }

  #items(pointer: string, depth: number): readonly Node[] {
    const items: Node[] = []
    this.#at++
    this.#space()
    if (this.#take(']')) return items
    for (;;) {
      items.push(this.#value(pointerTo(pointer, items.length), depth + 1))
      this.#space()
      if (this.#take(']')) return items
      this.#comma(']')
    }
  }

  #comma(end: string): void {
    if (!this.#take(',')) {
      const where = this.#at === this.#source.length ? 'the document ends' : 'a comma is missing'
      this.#syntax(`${where} before this`, `write \`,\` between members, or close with \`${end}\``)
    }
    this.#space()
  }

  #text(): string {
    const start = this.#at++
    let value = ''
    for (;;) {
      const from = this.#at
      // RFC 8259: anything but a quote, a backslash and control characters stands for itself.
      for (let code = this.#source.charCodeAt(this.#at); code >= 0x20 && code !== 0x22 && code !== 0x5c;)
        code = this.#source.charCodeAt(++this.#at)
      const plain = this.#source.slice(from, this.#at)
      value = value === '' ? plain : value + plain
      const next = this.#source[this.#at]
      if (next === '"') break
      if (next !== '\\') {
        this.#at = start
        this.#syntax('this text does not end in its line', 'close the quote; write a line break as `\\n`')
      }
      value += this.#escape()
    }
    this.#at++
    return value
  }

  #escape(): string {
    const code = this.#source[this.#at + 1] ?? ''
    const hex = code === 'u' ? /^[0-9a-fA-F]{4}/.exec(this.#source.slice(this.#at + 2, this.#at + 6))?.[0] : undefined
    const value = hex === undefined ? escapes[code] : String.fromCharCode(Number.parseInt(hex, 16))
    if (value === undefined) this.#syntax(`\`\\${code}\` is no escape of JSON`, 'write a backslash as `\\\\`')
    this.#at += hex === undefined ? 2 : 6
    return value
  }

  #space(): void {
    for (;;) {
      const code = this.#source.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false
    this.#at++
    return true
  }

  #place(offset: number, pointer: string): SourceLocation {
    // Mostly the line of the place before, or one of the next few.
    let low = (this.#lines[this.#line] ?? 0) <= offset ? this.#line : 0
    let high = Math.min(low + 8, this.#lines.length - 1)
    if ((this.#lines[high] ?? 0) <= offset) high = this.#lines.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#lines[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    this.#line = low
    return { file: this.#file, line: low + 1, column: offset - (this.#lines[low] ?? 0) + 1, pointer }
  }

  #syntax(message: string, suggestion: string): never {
    return this.#fail('syntax', message, suggestion)
  }

  #fail(id: string, message: string, suggestion: string): never {
    this.#findings.error(this.#place(this.#at, ''), id, message, suggestion)
    throw new Unreadable(message)
  }
}
