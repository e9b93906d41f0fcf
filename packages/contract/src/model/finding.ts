/** One fault or remark about a document. Findings are data; nothing in this package throws at a user's mistake. */
export interface Finding {
  /** stable, kebab-case: `unknown-key`, `unresolved-reference`, … */
  readonly id: string
  readonly severity: 'error' | 'warning' | 'info'
  /** absolute path */
  readonly file: string
  /** from 1 */
  readonly line: number
  /** from 1 */
  readonly column: number
  /** what is wrong, with names and values */
  readonly message: string
  /** what to do about it */
  readonly suggestion: string
}
