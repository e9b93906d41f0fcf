/** Where something was written. Every element of the model and every finding carries one. */
export interface SourceLocation {
  /** absolute path; `formatFinding` shows it relative to the working directory */
  readonly file: string
  /** from 1 */
  readonly line: number
  /** from 1, in UTF-16 code units */
  readonly column: number
  /** JSON pointer inside `file`: `/paths/~1orders/post` */
  readonly pointer: string
}
