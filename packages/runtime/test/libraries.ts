/** Every library there is a callback adapter for: how it is opened, and how SQL is run in its transaction. */
import { PrismaPg } from '@prisma/adapter-pg'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js'
import knex from 'knex'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { PrismaClient } from '../../../docs/samples/databases/prisma/generated/client.ts'
import type { Database, Joined } from '../src/database/database.ts'
import { drizzleDatabase, fromDrizzle } from '../src/database/drizzle.ts'
import { fromKnex, knexDatabase } from '../src/database/knex.ts'
import { fromPostgresJs, postgresJsDatabase } from '../src/database/postgres-js.ts'
import { fromPrisma, prismaDatabase } from '../src/database/prisma.ts'
import { fromTypeorm, typeormDatabase } from '../src/database/typeorm.ts'

export interface Library<Tx = unknown> {
  database: Database<Tx>
  /** in the library's own way; texts hold no parameters */
  run(tx: Tx, text: string): Promise<unknown>
  /** a nested transaction, in the library's own way */
  nested(tx: Tx, work: (inner: Tx) => Promise<void>): Promise<unknown>
  /** a transaction of the caller's own, joined by the outbox */
  join(work: (joined: Joined) => Promise<void>): Promise<unknown>
  /** the adapter for such a transaction, given what is in none */
  outside(): Joined
  close(): Promise<unknown>
}

export type OpenLibrary = (url: string) => Promise<Library>

/** Connections each library may open: fewer than what runs at once. */
const max = 4

const opens = {
  async 'drizzle on pg'(url: string) {
    const pool = new pg.Pool({ connectionString: url, max })
    // The pool's idle connections are its owner's business; one in use is the adapter's.
    pool.on('error', () => {})
    const doorbells = new pg.Pool({ connectionString: url, max: 2 })
    const db = drizzle({ client: pool })
    return library(drizzleDatabase(db, { listen: doorbells }), {
      run: async (tx, text) => tx.execute(drizzleSql.raw(text)),
      nested: (tx, work) => tx.transaction(work),
      join: (work) => db.transaction((tx) => work(fromDrizzle(tx))),
      outside: () => fromDrizzle(db),
      close: () => Promise.all([pool.end(), doorbells.end()]),
    })
  },
  async 'drizzle on postgres.js'(url: string) {
    const sql = postgres(url, { max, onnotice: () => {} })
    const db = drizzleJs({ client: sql })
    return library(drizzleDatabase(db), {
      run: async (tx, text) => tx.execute(drizzleSql.raw(text)),
      nested: (tx, work) => tx.transaction(work),
      join: (work) => db.transaction((tx) => work(fromDrizzle(tx))),
      outside: () => fromDrizzle(db),
      close: () => sql.end({ timeout: 1 }),
    })
  },
  async knex(url: string) {
    const db = knex({ client: 'pg', connection: url, pool: { min: 0, max } })
    return library(knexDatabase(db), {
      run: async (tx, text) => tx.raw(text),
      nested: (tx, work) => tx.transaction(work),
      join: (work) => db.transaction((tx) => work(fromKnex(tx))),
      outside: () => fromKnex(db),
      close: () => db.destroy(),
    })
  },
  async 'postgres.js'(url: string) {
    const sql = postgres(url, { max, onnotice: () => {} })
    return library(postgresJsDatabase(sql), {
      run: async (tx, text) => tx.unsafe(text),
      nested: (tx, work) => tx.savepoint(work),
      join: (work) => sql.begin((tx) => work(fromPostgresJs(tx))),
      outside: () => fromPostgresJs(sql),
      close: () => sql.end({ timeout: 1 }),
    })
  },
  async prisma(url: string) {
    const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max }) })
    const doorbells = new pg.Pool({ connectionString: url, max: 2 })
    return library(prismaDatabase(prisma, { listen: doorbells }), {
      run: async (tx, text) => tx.$executeRawUnsafe(text),
      nested: (tx, work) => tx.$transaction((inner) => work(inner as typeof tx)),
      join: (work) => prisma.$transaction((tx) => work(fromPrisma(tx))),
      outside: () => fromPrisma(prisma),
      close: () => Promise.all([prisma.$disconnect(), doorbells.end()]),
    })
  },
  async typeorm(url: string) {
    const source = await new DataSource({ type: 'postgres', url, poolSize: max }).initialize()
    return library(typeormDatabase(source), {
      run: (tx, text) => tx.query(text),
      nested: (tx, work) => tx.transaction(work),
      join: (work) => source.transaction((manager) => work(fromTypeorm(manager))),
      outside: () => fromTypeorm(source.createQueryRunner().manager),
      close: () => source.destroy(),
    })
  },
}

function library<Tx>(database: Database<Tx>, rest: Omit<Library<Tx>, 'database'>): Library {
  return { database, ...rest } as Library
}

/** postgres.js is not for use behind a pooler in transaction mode (docs/databases.md). */
const behindPooler = process.env['SPANDREL_TEST_POOLER'] !== undefined

export const libraries: [string, OpenLibrary][] = Object.entries(opens).filter(
  ([name]) => !(behindPooler && name.endsWith('postgres.js')),
)
