/** Migrations, and whether what they made is still there. */
import { migrations } from '@spandrel/runtime/operate'
import { type Check, error, type Finding, type Place, warning } from './check.ts'

/** `spandrel migrate`, for one place. */
function migrate({ kind, name }: Place): string {
  if (kind === 'gateway') return 'spandrel migrate --gateway'
  return kind === 'service' ? `spandrel migrate --service ${name}` : 'spandrel migrate'
}

export const migrated: Check = {
  id: 'migrations',
  looksAt: 'which migrations were applied, and with which text',
  async run(place) {
    const { query, schema, kind } = place
    const { rows: there } = await query<{ found: boolean }>('select to_regclass($1) is not null as found', [
      `${schema}.migrations`,
    ])
    if (there[0]?.found !== true) return [error(`there is no table ${schema}.migrations`, migrate(place))]
    const { rows } = await query<{ number: number; name: string; checksum: string; breaking: boolean }>(
      `select number, name, checksum, breaking from ${schema}.migrations order by number`,
      [],
    )
    const known = migrations(kind)
    const newest = known.at(-1)?.number ?? 0
    const findings = known.flatMap((one): Finding[] => {
      const applied = rows.find(({ number }) => number === one.number)
      if (applied === undefined)
        return [error(`migration ${one.number} ${one.name} of ${schema} was not applied`, migrate(place))]
      if (applied.checksum === one.checksum) return []
      return [
        error(
          `migration ${one.number} ${one.name} of ${schema} was applied with another text (${applied.checksum}, not ${one.checksum})`,
          'this database was made by another build of Spandrel: use that one, or make the database again and migrate',
        ),
      ]
    })
    const newer = rows.filter(({ number }) => number > newest)
    if (newer.some(({ breaking }) => breaking))
      findings.push(
        error(
          `${schema} is past what this version knows (${newer.at(-1)?.number})`,
          'update spandrel and @spandrel/runtime',
        ),
      )
    return findings
  },
}

interface Expected {
  tables: Map<string, Set<string>>
  others: Map<string, 'index' | 'view' | 'sequence' | 'function'>
}

/** Read from the migrations themselves: a list kept beside them would be wrong one day. */
function expected({ kind, schema }: Place): Expected {
  const tables = new Map<string, Set<string>>()
  const others: Expected['others'] = new Map()
  for (const { sql } of migrations(kind)) {
    const text = sql.replaceAll(/--.*$/gm, '')
    for (const [, name = '', body = ''] of text.matchAll(
      new RegExp(`create table ${schema}\\.(\\w+) \\(([\\s\\S]*?)\\n\\)`, 'g'),
    )) {
      const columns = [...body.matchAll(/^ {2}"?(\w+)"? \w/gm)].map(([, column = '']) => column)
      tables.set(
        name,
        new Set(columns.filter((one) => !['primary', 'check', 'unique', 'constraint', 'foreign'].includes(one))),
      )
    }
    for (const [, table = '', column = ''] of text.matchAll(
      new RegExp(`alter table ${schema}\\.(\\w+)\\s+add (?:column )?(?:if not exists )?"?(\\w+)"? `, 'g'),
    )) {
      if (column !== 'constraint') tables.get(table)?.add(column)
    }
    for (const [, kindOf = '', name = ''] of text.matchAll(
      new RegExp(`create (?:or replace )?(view|sequence|function) ${schema}\\.(\\w+)`, 'g'),
    ))
      others.set(name, kindOf as 'view')
    for (const [, name = ''] of text.matchAll(/create (?:unique )?index (\w+) on/g)) others.set(name, 'index')
    for (const [, name = ''] of text.matchAll(/drop \w+ (?:if exists )?(?:\w+\.)?(\w+)/g)) {
      tables.delete(name)
      others.delete(name)
    }
  }
  return { tables, others }
}

export const complete: Check = {
  id: 'tables',
  looksAt: 'tables, columns, indexes and functions that the migrations make',
  async run(place) {
    const { query, schema, kind } = place
    const { tables, others } = expected(place)
    const { rows: there } = await query('select 1 from pg_namespace where nspname = $1', [schema])
    // Nothing was removed by hand: it was never made, and `migrations` says so.
    if (there.length === 0) throw new Error(`there is no schema ${schema}`)
    const { rows: columns } = await query<{ table: string; column: string }>(
      `select c.relname as "table", a.attname as "column" from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       where n.nspname = $1 and c.relkind in ('r', 'p')`,
      [schema],
    )
    const { rows: objects } = await query<{ name: string; valid: boolean }>(
      `select c.relname as name, coalesce(i.indisvalid and i.indisready, true) as valid
       from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_index i on i.indexrelid = c.oid
       where n.nspname = $1
       union all
       select p.proname, true from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1`,
      [schema],
    )
    if (tables.size === 0) throw new Error(`nothing is known of what ${schema} must hold`)
    const restore =
      kind === 'gateway'
        ? 'it was removed by hand: drop schema spandrel_gateway cascade; then `spandrel migrate --gateway`. Keys are forgotten by that: a copy that comes later is a new request'
        : 'it was removed by hand: restore it from a backup, or make the schema again in an empty database (`spandrel migrate --sql` prints it)'
    const findings: Finding[] = []
    for (const [table, wanted] of tables) {
      const present = new Set(columns.filter((one) => one.table === table).map(({ column }) => column))
      if (present.size === 0) {
        findings.push(error(`the table ${schema}.${table} is missing`, restore))
        continue
      }
      const missing = [...wanted].filter((column) => !present.has(column))
      if (missing.length > 0) findings.push(error(`${schema}.${table} lacks ${missing.join(', ')}`, restore))
    }
    for (const [name, what] of others) {
      const found = objects.find((one) => one.name === name)
      if (found === undefined) findings.push(error(`the ${what} ${schema}.${name} is missing`, restore))
      else if (!found.valid)
        findings.push(error(`the index ${schema}.${name} is not valid`, `reindex index ${schema}.${name};`))
    }
    return findings
  },
}

export const registered: Check = {
  id: 'registration',
  looksAt: 'channels and subscriptions, against the contracts',
  of: ['service', 'stream'],
  async run(place) {
    const { query, schema, registration, kind } = place
    const wanted = kind === 'service' ? registration.service : registration.stream
    const findings: Finding[] = []
    if (kind === 'service') {
      const { rows } = await query<{ name: string }>('select name from spandrel.service', [])
      if (rows[0]?.name !== place.name) {
        const belongs = rows[0] === undefined ? 'is registered for no service' : `belongs to ${rows[0].name}`
        return [
          error(`this database ${belongs}`, rows[0] === undefined ? migrate(place) : 'correct the connection string'),
        ]
      }
    }
    const { rows: channels } = await query<{ address: string }>(`select address from ${schema}.channels`, [])
    const { rows: subscriptions } = await query<{ name: string }>(
      `select distinct name from ${schema}.subscriptions`,
      [],
    )
    for (const { address } of wanted?.channels ?? []) {
      if (!channels.some((one) => one.address === address))
        findings.push(error(`the channel ${address} is in a contract and not registered`, migrate(place)))
    }
    for (const { name } of wanted?.subscriptions ?? []) {
      if (!subscriptions.some((one) => one.name === name))
        findings.push(
          error(`the subscription ${name} is in a contract and not registered: it gets no messages`, migrate(place)),
        )
    }
    for (const { name } of subscriptions) {
      if (wanted?.subscriptions.some((one) => one.name === name) !== false) continue
      const fix =
        kind === 'stream'
          ? `where nobody reads it any more: delete from spandrel_stream.subscriptions where name = '${name.replaceAll("'", "''")}';`
          : `where nobody reads it any more: delete from spandrel.subscriptions where name = '${name.replaceAll("'", "''")}';`
      findings.push(warning(`no contract has the subscription ${name}: messages are kept for it for ever`, fix))
    }
    return findings
  },
}
