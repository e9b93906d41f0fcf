import type { Database } from '@spandrel/runtime'
import { pgDatabase } from '@spandrel/runtime/pg'
import pg from 'pg'

/** A statement that takes longer than this fails, and with it the request: better refused than kept waiting. */
const answerMs = 5000

/** Connections for the key records of a gateway's process. They are made when they are needed. */
export function openDatabase(url: string): { database: Database; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    connectionTimeoutMillis: answerMs,
    keepAlive: true,
    application_name: `${process.env['PGAPPNAME'] ?? 'spandrel'} gateway`,
  })
  return { database: pgDatabase(pool, { answerMs }), close: () => pool.end() }
}
