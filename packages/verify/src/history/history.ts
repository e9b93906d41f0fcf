import { appendFileSync, chmodSync, statSync, writeFileSync } from 'node:fs'
import type { FaultRecord, HistoryRecord, RunRecord } from './records.ts'
import { Secrets } from './secrets.ts'

/** A history being written: kept in memory, and in a file where one is named. */
export class History {
  readonly records: HistoryRecord[] = []
  readonly #file: string | undefined
  readonly #start = performance.now()
  readonly #secrets: Secrets
  #fault: string | undefined

  /** `secrets`: what no record is to have. */
  constructor(file?: string, secrets = new Secrets()) {
    this.#file = file
    this.#secrets = secrets
    if (file === undefined) return
    writeFileSync(file, '', { mode: 0o600 })
    // One that was there keeps its mode when it is written anew; what is no file of its own (/dev/null) keeps it.
    if (statSync(file).isFile()) chmodSync(file, 0o600)
  }

  /** milliseconds since the run began, to the microsecond */
  readonly clock = (): number => Math.round((performance.now() - this.#start) * 1000) / 1000

  add(given: HistoryRecord): void {
    const record = this.#secrets.clean(given)
    this.records.push(record)
    // At once and in order: a run that is killed leaves what it saw.
    if (this.#file === undefined || this.#fault !== undefined) return
    try {
      appendFileSync(this.#file, `${JSON.stringify(record)}\n`)
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error)
    }
  }

  /** What a dependency suffers for a trial; `hits`: how many connections met it, where it ends. */
  addFault(trial: string, dependency: string, what: FaultRecord['what'], hits?: number): void {
    this.add({ type: 'fault', trial, dependency, what, at: this.clock(), ...(hits !== undefined && { hits }) })
  }

  /** Why the file ends before the run did (a full disk); the run goes on, and is judged from memory. */
  get fault(): string | undefined {
    return this.#fault
  }
}

/** Why a text is no history. */
export class HistoryUnreadable extends Error {
  override readonly name = 'HistoryUnreadable'
}

/**
 * Reads a history; throws `HistoryUnreadable` with the line. A last line that was cut off, as a full disk does, is left
 * out: what stands before it is judged as a run that was stopped.
 */
export function parseHistory(text: string): HistoryRecord[] {
  const records: HistoryRecord[] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const record = jsonOf(line)
    if (isRecord(record)) records.push(record)
    else if (record !== undefined) throw new HistoryUnreadable(`line ${index + 1} is no record`)
    else if (index === 0 || index < lines.length - 1) throw new HistoryUnreadable(`line ${index + 1} is no JSON`)
  }
  const { operations, run } = runOf(records)
  if (!Array.isArray(operations) || typeof run !== 'string')
    throw new HistoryUnreadable('its `run` record does not say what was attacked')
  return records
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is HistoryRecord {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

export function runOf(records: readonly HistoryRecord[]): RunRecord {
  const [first] = records
  if (first?.type !== 'run') throw new HistoryUnreadable('it does not begin with a `run` record')
  if (first.version !== 2)
    throw new HistoryUnreadable(`version ${String(first.version)} is not known here; this one judges version 2`)
  return first
}
