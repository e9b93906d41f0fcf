/** Dead rows: our tables live by insert and delete, and so by vacuum. */
import { type Check, error, type Finding, warning } from './check.ts'
import { settingFix } from './setting-fix.ts'

export const vacuumSettings: Check = {
  id: 'vacuum-settings',
  looksAt: 'autovacuum, of the server and of our tables',
  async run({ query, schema }) {
    const findings: Finding[] = []
    const { rows: settings } = await query<{ name: string; source: string }>(
      `select name, source from pg_settings where name in ('autovacuum', 'track_counts') and setting = 'off'`,
      [],
    )
    for (const { name, source } of settings)
      findings.push(error(`${name} is off: dead rows pile up and reading gets slower`, settingFix(name, source)))
    const { rows } = await query<{ name: string; options: string[] | null }>(
      `select n.nspname || '.' || c.relname as name, c.reloptions as options from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relkind = 'r' order by 1`,
      [schema],
    )
    if (rows.length === 0) throw new Error(`there are no tables in ${schema}`)
    for (const { name, options } of rows) {
      if (options?.some((one) => /^autovacuum_enabled=(?:false|off|0)$/.test(one)) === true)
        findings.push(error(`autovacuum is off for ${name}`, `alter table ${name} reset (autovacuum_enabled);`))
      const threshold = { 'spandrel.outbox': 5000, 'spandrel_stream.log': 20_000 }[name]
      if (threshold !== undefined && options?.some((one) => one.startsWith('autovacuum_vacuum_threshold=')) !== true)
        findings.push(
          warning(
            `${name} has lost its own vacuum settings: it grows for long between two vacuums`,
            `alter table ${name} set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = ${threshold}, autovacuum_vacuum_cost_delay = 0);`,
          ),
        )
    }
    return findings
  },
}

export const deadRows: Check = {
  id: 'dead-rows',
  looksAt: 'dead rows of our tables, and space that holds nothing',
  async run({ query, schema, limits }) {
    const { rows } = await query<{ name: string; dead: string; bytes: string }>(
      `select n.nspname || '.' || c.relname as name, coalesce(s.n_dead_tup, 0)::text as dead, pg_total_relation_size(c.oid)::text as bytes
       from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_stat_user_tables s on s.relid = c.oid
       where n.nspname = $1 and c.relkind = 'r' order by 1`,
      [schema],
    )
    if (rows.length === 0) throw new Error(`there are no tables in ${schema}`)
    const findings: Finding[] = []
    for (const { name, dead, bytes } of rows) {
      if (Number(dead) >= limits.deadRows) {
        findings.push(
          warning(
            `${name} has about ${Number(dead).toLocaleString('en')} dead rows`,
            `vacuum ${name}; and see what holds it back: a long transaction, a replication slot, autovacuum`,
          ),
        )
        continue
      }
      if (Number(bytes) < limits.emptyTableBytes) continue
      const { rows: counted } = await query<{ live: number }>(
        `select count(*)::int as live from (select 1 from ${name} limit 1000) one`,
        [],
      )
      if ((counted[0]?.live ?? 0) < 1000)
        findings.push(
          warning(
            `${name} takes ${Math.round(Number(bytes) / 1024 / 1024)} MiB for ${counted[0]?.live ?? 0} rows`,
            `in a quiet hour: vacuum full ${name}; (it locks the table while it runs)`,
          ),
        )
    }
    return findings
  },
}

export const openTransactions: Check = {
  id: 'open-transactions',
  looksAt: 'transactions and prepared transactions that keep dead rows alive',
  async run({ query, limits }) {
    const { rows } = await query<{ pid: number; application: string; state: string; seconds: number }>(
      `select pid, application_name as application, coalesce(state, 'unknown') as state,
         extract(epoch from clock_timestamp() - xact_start)::float8 as seconds
       from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
         and clock_timestamp() - xact_start > $1 * interval '1 second' order by xact_start`,
      [limits.transactionSeconds],
    )
    const findings = rows.map(({ pid, application, state, seconds }) =>
      warning(
        `a transaction has been open for ${Math.round(seconds)} s (${application || 'no name'}, pid ${pid}, ${state}): nothing deleted since can be vacuumed`,
        `select pg_terminate_backend(${pid});`,
      ),
    )
    const { rows: prepared } = await query<{ gid: string; seconds: number }>(
      `select gid, extract(epoch from clock_timestamp() - prepared)::float8 as seconds from pg_prepared_xacts
       where database = current_database() and clock_timestamp() - prepared > $1 * interval '1 second' order by prepared`,
      [limits.transactionSeconds],
    )
    for (const { gid, seconds } of prepared)
      findings.push(
        error(
          `the prepared transaction ${gid} has been open for ${Math.round(seconds)} s: it outlives restarts and holds its locks`,
          `rollback prepared '${gid.replaceAll("'", "''")}'; or commit it, as its owner says`,
        ),
      )
    return findings
  },
}
