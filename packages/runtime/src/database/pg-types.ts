/** What is needed of `pg`, structurally: its `Pool`, a client of it, and results. Nothing here imports it. */
export interface PgStatement {
  text: string
  values?: unknown[]
  name?: string
  /** milliseconds until the driver gives it up */
  query_timeout?: number
}

export interface PgResult<Row = Record<string, unknown>> {
  rows: Row[]
  rowCount: number | null
  command: string
}

/** Anything statements can be sent through: a client inside a transaction of the caller's own. */
export interface PgQueryable {
  query(statement: PgStatement): Promise<PgResult>
}

export interface PgPoolClient extends PgQueryable {
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  release(destroy?: boolean | Error): void
}

export interface PgPool extends PgQueryable {
  connect(): Promise<PgPoolClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'connect', listener: (client: PgPoolClient) => void): unknown
}
