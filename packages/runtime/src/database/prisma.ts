/**
 * Prisma (provider `postgresql`, with a driver adapter) as a service's database. `tx` in handlers is the client of an
 * interactive transaction.
 *
 *   const prisma = new PrismaClient({ adapter: new PrismaPg(process.env.DATABASE_URL) })
 *   createService(contract, { database: prismaDatabase(prisma, { listen: pool }), … })
 */
import { arrayLiteral } from './array-literal.ts'
import { callbackDatabase } from './callback-database.ts'
import type { Database, Joined, Query, QueryResult } from './database.ts'
import { joined } from './joined.ts'
import { pgDatabase, type PgPool } from './pg.ts'
import { returnsRows } from './returns-rows.ts'

/** What is needed of the client of an interactive transaction, structurally. */
export interface PrismaTransaction {
  $queryRawUnsafe<T = unknown>(sql: string, ...values: unknown[]): PromiseLike<T>
  $executeRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<number>
}

/** What is needed of a `PrismaClient`, structurally. */
export interface PrismaDatabase<Tx> extends PrismaTransaction {
  $transaction<T>(work: (tx: Tx) => Promise<T>, options: { maxWait: number; timeout: number }): Promise<T>
}

export interface PrismaDatabaseOptions {
  /** a `pg` pool for doorbells; default: none, so that messages are looked for at intervals only */
  listen?: PgPool
}

/** Prisma ends a transaction after 5 s of its own accord: the contract's time-outs decide here. */
const limits = { maxWait: 30_000, timeout: 2 ** 31 - 1 }

/** A Prisma client as a database. It stays the caller's: it is not disconnected here. */
export function prismaDatabase<Tx extends PrismaTransaction>(
  prisma: PrismaDatabase<Tx>,
  options: PrismaDatabaseOptions = {},
): Database<Tx> {
  return callbackDatabase<Tx>(
    {
      begin: (work) => prisma.$transaction(work, limits),
      query: (tx, sql, values) => run(tx ?? prisma, sql, values),
    },
    options.listen && pgDatabase(options.listen),
  )
}

/** Joins a transaction the caller began: `outbox.send(fromPrisma(tx), …)` in `prisma.$transaction(async (tx) => …)`. */
export function fromPrisma(tx: PrismaTransaction): Joined {
  const what = { call: 'fromPrisma()', pass: 'the `tx` of `prisma.$transaction(async (tx) => …)`' }
  const { $connect } = tx as { $connect?: unknown }
  return joined($connect === undefined, what, ((sql, values) => run(tx, sql, values)) as Query)
}

async function run(tx: PrismaTransaction, sql: string, values: readonly unknown[] = []): Promise<QueryResult> {
  const encoded = values.map((value) => (Array.isArray(value) ? arrayLiteral(value) : (value ?? null)))
  if (!returnsRows(sql)) return { rows: [], rowCount: await tx.$executeRawUnsafe(sql, ...encoded) }
  const rows = await tx.$queryRawUnsafe<Record<string, unknown>[]>(sql, ...encoded)
  return { rows: rows.map(asDriversDo), rowCount: rows.length }
}

/** `bigint` and `numeric` as texts. */
function asDriversDo(row: Record<string, unknown>): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return value.toString()
    return value instanceof Object && 'toFixed' in value ? (value as { toFixed(): string }).toFixed() : value
  }
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))
}
