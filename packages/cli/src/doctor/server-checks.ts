/** The server under a database: what it forgets in a crash, what it has room for, what it keeps for whom. */
import { type Check, error, type Finding, warning } from './check.ts'
import { settingFix } from './setting-fix.ts'

export const supported: Check = {
  id: 'version',
  looksAt: 'the version of PostgreSQL',
  async run({ query, limits }) {
    const { rows } = await query<{ number: number; version: string }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
      [],
    )
    const { number = 0, version = '' } = rows[0] ?? {}
    return number >= limits.oldestServer
      ? []
      : [error(`PostgreSQL ${version} is older than 14`, 'move the database to PostgreSQL 14 or newer')]
  },
}

/** What each setting costs where it is off. */
const durable: Readonly<Record<string, string>> = {
  fsync: 'a crash of the machine can destroy the database',
  full_page_writes: 'a crash of the machine can destroy pages',
  synchronous_commit: 'a crash of the server loses what was committed last, also messages that were confirmed',
}

export const durability: Check = {
  id: 'durability',
  looksAt: 'fsync, full_page_writes, synchronous_commit',
  production: true,
  async run({ query }) {
    const { rows } = await query<{ name: string; setting: string; source: string }>(
      `select name, setting, source from pg_settings where name = any($1)`,
      [Object.keys(durable)],
    )
    if (rows.length !== Object.keys(durable).length) throw new Error('the settings could not be read')
    return rows
      .filter(({ setting }) => setting === 'off')
      .map(({ name, source }) => error(`${name} is off: ${durable[name]}`, settingFix(name, source)))
  },
}

export const slots: Check = {
  id: 'replication-slots',
  looksAt: 'replication slots that nobody reads',
  async run({ query }) {
    const { rows } = await query<{ name: string; kept: string; lost: boolean }>(
      `select slot_name as name, coalesce(wal_status = 'lost', false) as lost,
         pg_size_pretty(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, restart_lsn)) as kept
       from pg_replication_slots where not active order by 1`,
      [],
    )
    return rows.map(({ name, kept, lost }) =>
      warning(
        lost
          ? `the replication slot ${name} is lost: it can never be read again`
          : `nobody reads the replication slot ${name}: it keeps ${kept} of WAL, and dead rows, until the disk is full`,
        `start its reader, or: select pg_drop_replication_slot('${name}');`,
      ),
    )
  },
}

export const connections: Check = {
  id: 'connections',
  looksAt: 'connections in use, against max_connections',
  async run({ query, limits }) {
    const { rows } = await query<{ used: number; most: number }>(
      `select (select sum(numbackends)::int from pg_stat_database) as used,
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most`,
      [],
    )
    const { used = 0, most = 1 } = rows[0] ?? {}
    const findings: Finding[] = []
    if (used / most >= limits.connectionShare)
      findings.push(
        warning(
          `${used} of ${most} connections are in use: soon services cannot open theirs`,
          'make pools smaller (a service needs up to 5 connections for messages), put a pooler in front, or raise max_connections',
        ),
      )
    return findings
  },
}
