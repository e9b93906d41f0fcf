/** The numbered SQL files beside this one. A released file never changes: what comes later gets the next number. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

export type SchemaKind = 'service' | 'stream' | 'gateway'

export interface Migration {
  number: number
  name: string
  sql: string
  checksum: string
  /** software from before it cannot work with the schema after it: its first line is `-- breaking` */
  breaking: boolean
}

const folder = new URL('sql/', import.meta.url)
const cache = new Map<SchemaKind, readonly Migration[]>()

/** All migrations of a schema, in order. */
export function migrations(kind: SchemaKind): readonly Migration[] {
  const found = cache.get(kind)
  if (found !== undefined) return found
  const all = readdirSync(folder)
    .flatMap((file) => {
      const match = /^(service|stream|gateway)-(\d{3})-(.+)\.sql$/.exec(file)
      return match?.[1] === kind ? [{ file, number: Number(match[2]), name: match[3] ?? '' }] : []
    })
    .sort((a, b) => a.number - b.number)
    .map(({ file, number, name }): Migration => {
      const sql = readFileSync(new URL(file, folder), 'utf8')
      return {
        number,
        name,
        sql,
        checksum: createHash('sha256').update(sql).digest('hex').slice(0, 16),
        breaking: sql.startsWith('-- breaking'),
      }
    })
  cache.set(kind, all)
  return all
}

export const schemaName: Readonly<Record<SchemaKind, string>> = {
  service: 'spandrel',
  stream: 'spandrel_stream',
  gateway: 'spandrel_gateway',
}

/** The table that remembers what was applied, and the schema it stands in. */
export function bootstrapSql(kind: SchemaKind): string {
  const schema = schemaName[kind]
  return `create schema if not exists ${schema};
create table if not exists ${schema}.migrations (
  number int primary key,
  name text not null,
  checksum text not null,
  breaking boolean not null,
  applied_at timestamptz not null default now()
);
`
}

/** One migration with the row that remembers it. */
export function migrationStep(kind: SchemaKind, migration: Migration): string {
  const { number, name, sql, checksum, breaking } = migration
  return `-- ${kind} ${number}: ${name}
${sql.trimEnd()}
insert into ${schemaName[kind]}.migrations (number, name, checksum, breaking)
  values (${number}, ${literal(name)}, ${literal(checksum)}, ${breaking});
`
}

export function literal(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
