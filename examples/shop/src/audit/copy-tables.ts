/**
 * Brings everything the audit reads into one database: the tables of every service as they are, and the two logs, one
 * row a line. Plain `pg` and SQL.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'

export interface AuditSources {
  /** service → its database */
  services: Readonly<Record<string, string>>
  /** the stream's database */
  stream: string
  shopperLog: string
  cardnetCharges: string
}

/** What of Spandrel's own tables the audit reads; the others are large or say nothing more. */
const ROAD = ['outbox', 'sent', 'inbox', 'held_messages', 'keys', 'partitions', 'journal']

export async function copyTables(sources: AuditSources, audit: pg.Client): Promise<void> {
  for (const [service, url] of Object.entries(sources.services)) {
    await withClient(url, async (from) => {
      await copySchema(from, 'public', audit, service)
      await copySchema(from, 'spandrel', audit, `${service}_road`, ROAD)
    })
  }
  await withClient(sources.stream, (from) => copySchema(from, 'spandrel_stream', audit, 'stream'))
  await copyLog(sources.shopperLog, audit, 'shopper', 'log')
  await copyLog(sources.cardnetCharges, audit, 'cardnet', 'charges')
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'audit' })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

interface Column {
  table: string
  column: string
  type: string
}

async function copySchema(
  from: pg.Client,
  schema: string,
  to: pg.Client,
  into: string,
  only?: string[],
): Promise<void> {
  const { rows } = await from.query<Column>(
    `select c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v') and a.attnum > 0 and not a.attisdropped
     order by c.relname, a.attnum`,
    [schema],
  )
  await to.query(`create schema ${pg.escapeIdentifier(into)}`)
  for (const [table, columns] of Map.groupBy(rows, (row) => row.table)) {
    if (only !== undefined && !only.includes(table)) continue
    const target = `${pg.escapeIdentifier(into)}.${pg.escapeIdentifier(table)}`
    const defined = columns.map(({ column, type }) => `${pg.escapeIdentifier(column)} ${type}`)
    await to.query(`create table ${target} (${defined.join(', ')})`)
    const read = await from.query<{ all: string | null }>(
      `select json_agg(t)::text as all from ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)} t`,
    )
    const all = read.rows[0]?.all
    if (all)
      await to.query(`insert into ${target} select * from json_populate_recordset(null::${target}, $1::json)`, [all])
  }
}

async function copyLog(file: string, to: pg.Client, schema: string, table: string): Promise<void> {
  // A file nobody has written to yet is a log without lines.
  const text = await readFile(file, 'utf8').catch(() => '')
  await to.query(`create schema ${schema}; create table ${schema}.${table} (line jsonb not null)`)
  await to.query(`insert into ${schema}.${table} select t::jsonb from unnest($1::text[]) t`, [
    text.split('\n').filter(Boolean),
  ])
}
