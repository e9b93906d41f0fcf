import type { Query, QueryResult } from './database.ts'
import type { PgQueryable, PgResult, PgStatement } from './pg-types.ts'

/** A statement as `pg` takes it; prepared under `name`, where it can be. */
export function statement(text: string, values: readonly unknown[] | undefined, name: string | undefined): PgStatement {
  const made: PgStatement = { text }
  if (values !== undefined) made.values = values as unknown[]
  // Without values it may be several statements, which cannot be prepared.
  if (name !== undefined && values !== undefined) made.name = name
  return made
}

/** Several statements in one text are answered with an array. */
export function single(result: PgResult | PgResult[]): PgResult {
  return Array.isArray(result) ? (result.at(-1) as PgResult) : result
}

/** Statements through whatever takes them. */
export function through(client: PgQueryable): Query {
  return async <Row>(sql: string, values?: readonly unknown[]): Promise<QueryResult<Row>> =>
    single(await client.query(statement(sql, values, undefined))) as QueryResult<Row>
}
