import type { Finding } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'

/** Enough to repair from; a generated document with one systematic fault must not print a million lines. */
const MOST = 1000

/** What leaves a document, or a part of it, without a meaning. */
const hard = new Set([
  'alias-cycle',
  'ambiguous-name',
  'caller-unknown',
  'duplicate-operation',
  'empty-document',
  'missing-file',
  'reference-cycle',
  'remote-reference',
  'syntax',
  'too-deep',
  'too-many-nodes',
  'unknown-alias',
  'unknown-document',
  'unresolved-reference',
  'unsupported-version',
])

/** Collects findings. One fault met on several ways (a shared parameter, an inherited guarantee) is kept once. */
export class Findings {
  readonly #found = new Map<string, Finding>()
  #dropped = 0
  #errors = 0
  readonly #errorsByFile = new Map<string, number>()
  readonly #soft = new Set<string>()
  readonly #faults = new Map<Finding, SourceLocation>()

  /**
   * Faults in this file are warnings from now on, where something can be read all the same: it is a document that its
   * reader cannot change.
   */
  soften(file: string): void {
    this.#soft.add(file)
  }

  error(at: SourceLocation, id: string, message: string, suggestion: string): void {
    this.#add('error', at, id, message, suggestion)
  }

  warning(at: SourceLocation, id: string, message: string, suggestion: string): void {
    this.#add('warning', at, id, message, suggestion)
  }

  /** Nothing is wrong, and somebody should know. */
  remark(at: SourceLocation, id: string, message: string, suggestion: string): void {
    this.#add('info', at, id, message, suggestion)
  }

  /** Of one file, so far. */
  errorsIn(file: string): number {
    return this.#errorsByFile.get(file) ?? 0
  }

  #add(kind: Finding['severity'], at: SourceLocation, id: string, message: string, suggestion: string): void {
    const { file, line, column } = at
    const severity = this.#soft.has(file) && !hard.has(id) ? 'warning' : kind
    const identity = JSON.stringify([id, file, line, column, message])
    if (this.#found.has(identity)) return
    // What is softened is a fault of the document all the same.
    if (kind === 'error') this.#errorsByFile.set(file, this.errorsIn(file) + 1)
    if (severity === 'error') this.#errors++
    if (this.#found.size >= MOST) this.#dropped++
    else {
      const finding = { id, severity, file, line, column, message, suggestion }
      this.#found.set(identity, finding)
      if (kind === 'error') this.#faults.set(finding, at)
    }
  }

  /** Every error and the place in its document, whether or not it counts less in a document that is not ours. */
  get faults(): readonly { readonly finding: Finding; readonly at: SourceLocation }[] {
    return [...this.#faults].map(([finding, at]) => ({ finding, at }))
  }

  get hasErrors(): boolean {
    return this.#errors > 0
  }

  /** By file, line and column. */
  sorted(): readonly Finding[] {
    const sorted = sortedFindings([...this.#found.values()])
    const last = sorted.at(-1)
    if (this.#dropped > 0 && last !== undefined) {
      sorted.push({
        ...last,
        id: 'more-findings',
        severity: 'error',
        message: `${this.#dropped} more findings are not shown`,
        suggestion: 'repair those above, then check again',
      })
    }
    return Object.freeze(sorted.map((finding) => Object.freeze(finding)))
  }
}

/** By file, line, column and id. */
export function sortedFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.id, b.id),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
