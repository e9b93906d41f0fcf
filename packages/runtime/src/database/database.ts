/**
 * What the runtime needs of a service's database. Implemented by `pgDatabase(pool)`, `kyselyDatabase(db)` and,
 * by way of `callbackDatabase`, for other libraries. Structural: nothing here imports a driver.
 */
export interface QueryResult<Row = Record<string, unknown>> {
  rows: Row[]
  /** rows touched, where the driver tells */
  rowCount: number | null
  /** command tag's first word (`COMMIT`, `ROLLBACK`, `INSERT` …), where the driver tells */
  command?: string
}

export type Query = <Row = Record<string, unknown>>(
  sql: string,
  values?: readonly unknown[],
) => Promise<QueryResult<Row>>

export interface Database<Tx = unknown> {
  /**
   * Whether handlers of one batch may share a transaction: true only where `lend()` can see every statement a
   * handler issues (a failed or un-awaited one must fail the batch; savepoints must be refused).
   */
  readonly shares: boolean
  /** One statement on any connection, in its own transaction. */
  readonly query: Query
  /**
   * Opens a transaction, runs `work`, commits if it returned and rolls back if it threw. Resolves only after a
   * COMMIT whose tag was `COMMIT` (an aborted transaction "commits" with tag ROLLBACK: that rejects with
   * `statement-failed`). A lost connection during COMMIT rejects with `commitUnknown` true on the error.
   * `opening` is called with what can be cut before BEGIN is sent: a silent database does not answer that either.
   */
  transaction<T>(work: (open: OpenTransaction<Tx>) => Promise<T>, opening?: (open: { cut(): void }) => void): Promise<T>
  /**
   * Hears NOTIFY on a connection of its own, which is made again when it is lost (`heard` is then called once, for
   * what may have been missed). Absent where the driver cannot: then the poll alone is used.
   */
  listen?(channel: string, heard: (payload: string) => void): Promise<{ close(): Promise<void> }>
  /** Sends NOTIFY on a connection of its own. A hint: what cannot be sent is dropped. */
  notifier?(channel: string): Notifier
}

export interface Notifier {
  /** Resolves when it was sent or given up; never rejects. Callers keep at most one outstanding. */
  notify(payload?: string): Promise<void>
  close(): Promise<void>
}

/** What `fromPg(client)`, `fromKysely(trx)` … return: a caller's own transaction, as `outbox.send` needs it. */
export interface Joined {
  readonly query: Query
}

export interface OpenTransaction<Tx = unknown> {
  /** The runtime's own statements on this connection. May be issued without awaiting the one before (pipelined). */
  readonly query: Query
  /** The server process of this connection, for fencing; one extra round trip the first time. */
  backend(): Promise<number>
  /** A handle for one handler. `alone`: it has the transaction for itself, so savepoints are allowed. */
  lend(options: { alone: boolean }): Lent<Tx>
  /** Cuts the connection at once: the server rolls back, whatever is running fails. For the end of a stop's patience. */
  cut(): void
}

/** A transaction handle lent to one handler. */
export interface Lent<Tx> {
  readonly tx: Tx
  /**
   * Ends the loan: later statements throw `statement-after-end`. Resolves when every statement the handler issued
   * has settled. Rejects with `statement-failed` if one failed (also when the handler swallowed the error), with
   * `shared-transaction-refused` if a shared handler tried SAVEPOINT, SET, LOCK, a cursor or transaction control.
   * A statement that was still running when the handler returned is waited for; if it fails, the loan fails.
   */
  end(): Promise<void>
}
