/** What the role of the connection string may do: as much as it needs, and no more. */
import { type Check, error, type Finding, warning } from './check.ts'

/**
 * What a service, or the gateway, writes; the rest of its tables it only reads. To lock a row is to update it. Only `spandrel migrate`
 * makes and changes tables.
 */
const writes: Readonly<Record<string, string>> = {
  'spandrel.outbox': 'select, insert, update, delete',
  'spandrel.sent': 'select, insert, update, delete',
  'spandrel.leases': 'select, insert, update, delete',
  'spandrel.keys': 'select, insert, update, delete',
  'spandrel.partitions': 'select, insert, update',
  'spandrel.inbox': 'select, insert, update, delete',
  'spandrel.held': 'select, insert, update, delete',
  'spandrel.journal': 'select, insert, update, delete',
  'spandrel_stream.heads': 'select, update',
  'spandrel_stream.log': 'select, insert, delete',
  'spandrel_stream.positions': 'select, insert, update',
  'spandrel_gateway.keys': 'select, insert, update, delete',
  'spandrel_gateway.leases': 'select, insert, update',
}

export const mayEnough: Check = {
  id: 'privileges',
  looksAt: 'what the role may do with our tables',
  async run({ query, schema }) {
    const { rows: roles } = await query<{ role: string; usage: boolean }>(
      `select current_user as role, has_schema_privilege($1, 'usage') as usage`,
      [schema],
    )
    const { role = '', usage = false } = roles[0] ?? {}
    const quoted = `"${role.replaceAll('"', '""')}"`
    if (!usage)
      return [
        error(`the role ${role} may not use the schema ${schema}`, `grant usage on schema ${schema} to ${quoted};`),
      ]
    const { rows: tables } = await query<{ name: string; kind: string }>(
      `select n.nspname || '.' || c.relname as name, c.relkind::text as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'S') order by 1`,
      [schema],
    )
    if (tables.length === 0) throw new Error(`there is nothing in ${schema}`)
    const wanted = tables.flatMap(({ name, kind }) =>
      (kind === 'S' ? 'usage' : (writes[name] ?? 'select')).split(', ').map((privilege) => ({ name, privilege, kind })),
    )
    const { rows: lacking } = await query<{ name: string; privilege: string; kind: string }>(
      `select w.name, w.privilege, w.kind from unnest($1::text[], $2::text[], $3::text[]) as w (name, privilege, kind)
       where not case w.kind when 'S' then has_sequence_privilege(w.name, w.privilege) else has_table_privilege(w.name, w.privilege) end`,
      [wanted.map((one) => one.name), wanted.map((one) => one.privilege), wanted.map((one) => one.kind)],
    )
    const findings = [...Map.groupBy(lacking, ({ name }) => name)].map(([name, rows]): Finding => {
      const list = rows.map(({ privilege }) => privilege).join(', ')
      const object = rows[0]?.kind === 'S' ? `sequence ${name}` : name
      return error(`the role ${role} lacks ${list} on ${name}`, `grant ${list} on ${object} to ${quoted};`)
    })
    const { rows: functions } = await query<{ name: string }>(
      `select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = $1 and not has_function_privilege(p.oid, 'execute')`,
      [schema],
    )
    for (const { name } of functions)
      findings.push(
        error(`the role ${role} may not execute ${name}`, `grant execute on function ${name} to ${quoted};`),
      )
    return findings
  },
}

export const mayTooMuch: Check = {
  id: 'too-much',
  looksAt: 'what the role may do that it does not need, and what everybody may',
  production: true,
  async run({ query, schema, name }) {
    const { rows } = await query<{ role: string; has: Record<string, boolean> }>(
      `select rolname as role, json_build_object('superuser', rolsuper, 'createrole', rolcreaterole, 'createdb', rolcreatedb,
         'replication', rolreplication, 'bypassrls', rolbypassrls) as has
       from pg_roles where rolname = current_user`,
      [],
    )
    const { role = '', has: may = {} } = rows[0] ?? {}
    const quoted = `"${role.replaceAll('"', '""')}"`
    const names = Object.keys(may).filter((one) => may[one] === true)
    const findings: Finding[] = []
    if (may['superuser'] === true)
      findings.push(
        warning(
          `the role ${role} is a superuser: one fault in a service reaches every database of the server`,
          `create role "spandrel_${name}" login; -- connect as that: \`spandrel doctor\` then says which rights it lacks`,
        ),
      )
    else if (names.length > 0)
      findings.push(
        warning(
          `the role ${role} has ${names.join(', ')}, and needs none of it`,
          `alter role ${quoted} ${names.map((one) => `no${one}`).join(' ')};`,
        ),
      )
    const { rows: open } = await query<{ name: string; privileges: string }>(
      `select c.oid::regclass::text as name, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as privileges
       from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(c.relacl) a
       where n.nspname = $1 and a.grantee = 0 group by 1 order by 1`,
      [schema],
    )
    for (const { name: object, privileges } of open)
      findings.push(
        warning(`everybody who may connect has ${privileges} on ${object}`, `revoke all on ${object} from public;`),
      )
    return findings
  },
}
