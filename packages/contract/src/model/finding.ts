/** One fault or remark about a document. Findings are data; nothing in this package throws at a user's mistake. */
export interface Finding {
  /** stable, kebab-case: `unknown-key`, `unresolved-reference`, … */
  readonly id: string
  readonly severity: Severity
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
  /** what it is about, where that has a name: `orders`, `orders.placeOrder`, `orders → payments.quotePrice` */
  readonly subject?: string
  /** lines that belong under its message: whom it breaks, an instance that shows it */
  readonly details?: readonly string[]
  /** the same as data, for reports that carry data (SARIF `properties`) */
  readonly properties?: Readonly<Record<string, unknown>>
  /** what makes it the same finding in another run; place and message where it is absent */
  readonly fingerprint?: string
  /** somebody knows of it and answers for it; it is shown, and counts no more */
  readonly acknowledged?: Acknowledgement
}

export type Severity = 'error' | 'warning' | 'info'

/** `check.acknowledged` of spandrel.yaml: a finding that is to stay, for a while. */
export interface Acknowledgement {
  readonly owner: string
  readonly reason: string
  /** the last day on which it holds, `2027-01-31` */
  readonly until: string
}
