/** Every library there is an adapter for, on one database: how it is opened, and how SQL is run in its transaction. */
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js'
import knex from 'knex'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import type { Database } from '../src/database/database.ts'
import { drizzleDatabase } from '../src/database/drizzle.ts'
import { knexDatabase } from '../src/database/knex.ts'
import { postgresJsDatabase } from '../src/database/postgres-js.ts'
import { typeormDatabase } from '../src/database/typeorm.ts'

export interface Library<Tx = unknown> {
  database: Database<Tx>
  /** in the library's own way; texts hold no parameters */
  run(tx: Tx, text: string): Promise<unknown>
  /** a nested transaction, in the library's own way */
  nested(tx: Tx, work: (inner: Tx) => Promise<void>): Promise<unknown>
  close(): Promise<unknown>
}

type Open = (url: string) => Promise<Library>

const opens = {
  async 'drizzle on pg'(url: string) {
    const pool = new pg.Pool({ connectionString: url, max: 8 })
    return library(drizzleDatabase(drizzle({ client: pool }), { listen: pool }), {
      run: async (tx, text) => tx.execute(drizzleSql.raw(text)),
      nested: (tx, work) => tx.transaction(work),
      close: () => pool.end(),
    })
  },
  async 'drizzle on postgres.js'(url: string) {
    const sql = postgres(url, { max: 8, onnotice: () => {} })
    return library(drizzleDatabase(drizzleJs({ client: sql })), {
      run: async (tx, text) => tx.execute(drizzleSql.raw(text)),
      nested: (tx, work) => tx.transaction(work),
      close: () => sql.end({ timeout: 1 }),
    })
  },
  async knex(url: string) {
    const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 8 } })
    return library(knexDatabase(db), {
      run: async (tx, text) => tx.raw(text),
      nested: (tx, work) => tx.transaction(work),
      close: () => db.destroy(),
    })
  },
  async 'postgres.js'(url: string) {
    const sql = postgres(url, { max: 8, onnotice: () => {} })
    return library(postgresJsDatabase(sql), {
      run: async (tx, text) => tx.unsafe(text),
      nested: (tx, work) => tx.savepoint(work),
      close: () => sql.end({ timeout: 1 }),
    })
  },
  async typeorm(url: string) {
    const source = await new DataSource({ type: 'postgres', url, poolSize: 8 }).initialize()
    return library(typeormDatabase(source), {
      run: (tx, text) => tx.query(text),
      nested: (tx, work) => tx.transaction(work),
      close: () => source.destroy(),
    })
  },
}

function library<Tx>(database: Database<Tx>, rest: Omit<Library<Tx>, 'database'>): Library {
  return { database, ...rest } as Library
}

export const libraries: [string, Open][] = Object.entries(opens)
