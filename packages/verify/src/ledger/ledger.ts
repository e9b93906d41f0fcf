/**
 * A ledger of planted keys: what one run sent, for another to send again when the key's retention ends. A file of JSON
 * lines that is only ever appended to, one write a line, so that several runs may use it at once:
 *
 *   {"type":"ledger","version":1,"service":"orders"}      the first line
 *   {"type":"planted","id":"v1…-k3", …}                   a key and its request, with the answer that it got
 *   {"type":"claimed","id":"v1…-k3","run":"v2…","at":…}   somebody sends it again; the first claim counts
 */
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import type { Answer, HeaderList } from '../wire/outgoing.ts'

export interface Planted {
  readonly type: 'planted'
  /** the key: with the prefix of its run, so no other has it */
  readonly id: string
  readonly ref: string
  readonly key: string
  readonly marker: string
  /** when it was answered: from then on its retention counts; ISO 8601 */
  readonly at: string
  readonly retentionMs: number
  /** shortly before its retention ends it must be known; after that it may be a new one */
  readonly send: 'before' | 'after'
  readonly request: {
    readonly method: string
    /** without the base URL */
    readonly path: string
    /** without those of the caller */
    readonly headers: HeaderList
    readonly body?: string
  }
  /** a digest of the caller's headers: the key is that caller's */
  readonly caller: string
  readonly answer: Answer
}

interface Claimed {
  readonly type: 'claimed'
  readonly id: string
  readonly run: string
  readonly at: string
}

/** Why a file cannot be used as a ledger. Nothing is written to it then. */
export class LedgerUnusable extends Error {
  override readonly name = 'LedgerUnusable'
  readonly fix: string

  constructor(what: string, fix: string) {
    super(what)
    this.fix = fix
  }
}

export class Ledger {
  readonly #file: string
  readonly #service: string

  /** Makes the file where there is none. Throws `LedgerUnusable`. */
  static open(file: string, service: string): Ledger {
    const ledger = new Ledger(file, service)
    try {
      writeFileSync(file, `${JSON.stringify({ type: 'ledger', version: 1, service })}\n`, { flag: 'wx' })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST')
        throw new LedgerUnusable(
          `the ledger ${file} cannot be written: ${message}`,
          'name a file in a folder that is there and can be written',
        )
      ledger.open()
      // Before anything is sent: a key that is planted and not noted is of no use.
      try {
        appendFileSync(file, '')
      } catch (fault) {
        throw new LedgerUnusable(
          `the ledger ${file} cannot be written: ${(fault as Error).message}`,
          'mend its permissions, or name another file',
        )
      }
    }
    return ledger
  }

  private constructor(file: string, service: string) {
    this.#file = file
    this.#service = service
  }

  /** Planted, and claimed by nobody yet. */
  open(): Planted[] {
    const { planted, claims } = this.#read()
    return planted.filter(({ id }) => !claims.has(id))
  }

  plant(entry: Planted): void {
    this.#append(entry)
  }

  /** False where another run was quicker. */
  claim(id: string, run: string): boolean {
    const claimed: Claimed = { type: 'claimed', id, run, at: new Date().toISOString() }
    this.#append(claimed)
    return this.#read().claims.get(id) === run
  }

  #append(record: Planted | Claimed): void {
    // A line that a crash cut off must not swallow this one.
    const cut = !readFileSync(this.#file, 'utf8').endsWith('\n')
    appendFileSync(this.#file, `${cut ? '\n' : ''}${JSON.stringify(record)}\n`)
  }

  #read(): { planted: Planted[]; claims: Map<string, string> } {
    const planted: Planted[] = []
    const claims = new Map<string, string>()
    const fault = (line: number, what: string): LedgerUnusable =>
      new LedgerUnusable(
        `line ${line} of the ledger ${this.#file} ${what}`,
        'nothing was changed: mend that line or take it out, or name another file',
      )
    const lines = readFileSync(this.#file, 'utf8').split('\n')
    for (const [at, line] of lines.entries()) {
      if (line.trim() === '') continue
      let record: Record<string, unknown>
      try {
        record = JSON.parse(line) as Record<string, unknown>
      } catch {
        throw fault(at + 1, at === lines.length - 1 ? 'is cut off' : 'is no JSON')
      }
      if (at === 0 && record['type'] !== 'ledger') throw fault(1, 'does not say that it is one: {"type":"ledger",…}')
      if (record['type'] === 'ledger') {
        if (record['version'] !== 1)
          throw fault(at + 1, `has version ${String(record['version'])}, and 1 is known here`)
        if (record['service'] !== this.#service)
          throw new LedgerUnusable(
            `${this.#file} is the ledger of ${String(record['service'])}, not of ${this.#service}`,
            'a service has a ledger of its own: name another file',
          )
      } else if (record['type'] === 'claimed' && typeof record['id'] === 'string') {
        if (!claims.has(record['id'])) claims.set(record['id'], String(record['run']))
      } else if (isPlanted(record)) planted.push(record)
      else throw fault(at + 1, 'is neither a planted key nor a claim')
    }
    if (lines.every((line) => line.trim() === '')) throw fault(1, 'is not there: the file is empty')
    return { planted, claims }
  }
}

function isPlanted(record: Record<string, unknown>): record is Record<string, unknown> & Planted {
  const { type, id, ref, key, marker, at, retentionMs, send, request, answer } = record
  return (
    type === 'planted' &&
    [id, ref, key, marker].every((one) => typeof one === 'string') &&
    !Number.isNaN(Date.parse(String(at))) &&
    typeof retentionMs === 'number' &&
    (send === 'before' || send === 'after') &&
    typeof (request as Planted['request'] | null)?.path === 'string' &&
    typeof (answer as Answer | null)?.status === 'number'
  )
}

/** So that a key is sent again by whom it belongs to, and no credential stands in the file. */
export function callerDigest(headers: HeaderList): string {
  return createHash('sha256').update(JSON.stringify(headers)).digest('hex').slice(0, 16)
}

/** From when on a key is to be sent again, and until when; milliseconds since 1970. */
export function window({ at, retentionMs, send }: Pick<Planted, 'at' | 'retentionMs' | 'send'>): {
  from: number
  until: number
} {
  const end = Date.parse(at) + retentionMs
  // Clocks are set; and an answer must be there before the end.
  const margin = Math.min(60_000, retentionMs * 0.02)
  return send === 'before'
    ? { from: end - retentionMs * 0.1, until: end - margin }
    : { from: end + margin, until: Infinity }
}

/** What is to be sent now. One that was missed before its end is good for afterwards. */
export function dueNow(entries: readonly Planted[], now: number): Planted[] {
  return entries.flatMap((entry) => {
    const { from, until } = window(entry)
    if (now >= from && now < until) return [entry]
    const after = { ...entry, send: 'after' as const }
    return now >= window(after).from ? [after] : []
  })
}
