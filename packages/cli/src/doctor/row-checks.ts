/** The oldest rows: what should have left by now, or should have been removed. */
import { type Check, error, type Finding, warning } from './check.ts'

export const unsent: Check = {
  id: 'unsent',
  looksAt: 'the oldest row of the outbox',
  of: ['service'],
  async run({ query, limits, name }) {
    const { rows } = await query<{ attributes: string; now: number; working: boolean }>(
      `select attributes, extract(epoch from clock_timestamp())::float8 as now,
         exists (select 1 from spandrel.leases where name = 'relay' and owner is not null and until >= clock_timestamp()) as working
       from spandrel.outbox order by id limit 1`,
      [],
    )
    const [row] = rows
    if (row === undefined) return []
    const age = row.now - Date.parse((JSON.parse(row.attributes) as { time?: string }).time ?? '') / 1000
    if (!(age > limits.unsentSeconds)) return []
    return [
      error(
        `the oldest message of the outbox is unsent for ${Math.round(age)} s, and ${row.working ? 'a relay works' : 'no relay works'}`,
        row.working
          ? "look into the relay's log: the stream refuses, or is away"
          : `start ${name}, or \`spandrel serve relay --service ${name}\``,
      ),
    ]
  },
}

/** Tables that empty themselves, and how a row says that its time is over. */
const expiring: readonly (readonly [table: string, past: string])[] = [
  ['keys', 'expires_at'],
  ['inbox', 'expires_at'],
  ['sent', `sent_at + interval '7 days'`],
  ['journal', `at + interval '7 days'`],
]

export const expired: Check = {
  id: 'expired-rows',
  looksAt: 'rows of keys, inbox, sent and journal whose time is over',
  of: ['service'],
  async run({ query, limits, name }) {
    const findings: Finding[] = []
    for (const [table, past] of expiring) {
      const { rows } = await query<{ seconds: number | null }>(
        // The oldest rows have the lowest ids; `keys` and `inbox` have an index by their end.
        table === 'keys' || table === 'inbox'
          ? `select extract(epoch from now() - min(${past}))::float8 as seconds from spandrel.${table}`
          : `select extract(epoch from now() - min(${past}))::float8 as seconds from (select * from spandrel.${table} order by id limit 100) oldest`,
        [],
      )
      const seconds = rows[0]?.seconds ?? 0
      if (seconds <= limits.expiredSeconds) continue
      findings.push(
        warning(
          `spandrel.${table} keeps rows whose time was over ${Math.round(seconds / 3600)} h ago: nobody removes them`,
          `start ${name}, or \`spandrel serve relay push --service ${name}\`: they remove them once a minute; a longer retention of your own is fine`,
        ),
      )
    }
    return findings
  },
}

/** Counted to here: what there is of them beyond says nothing more. */
const mostCounted = 10_000

export const expiredKeys: Check = {
  id: 'expired-keys',
  looksAt: 'key records of the gateway whose time is over',
  of: ['gateway'],
  async run({ query, limits }) {
    // As the gateway deletes them: one that is claimed goes when its lease has ended, too.
    const { rows } = await query<{ number: number; seconds: number | null }>(
      `select count(*)::int as number, extract(epoch from now() - min(expires_at))::float8 as seconds from (
         select expires_at from spandrel_gateway.keys
         where expires_at < now() and (state = 'done' or lease_until < now()) order by expires_at limit ${mostCounted}) oldest`,
      [],
    )
    const { number = 0, seconds } = rows[0] ?? {}
    if ((seconds ?? 0) <= limits.expiredSeconds) return []
    const many =
      number === mostCounted ? `${number} or more records` : `${number} ${number === 1 ? 'record' : 'records'}`
    return [
      warning(
        `spandrel_gateway.keys keeps ${many} whose time is over, the oldest for ${Math.round((seconds ?? 0) / 3600)} h: no gateway removes them`,
        'spandrel serve gateway',
      ),
    ]
  },
}

export const heldRows: Check = {
  id: 'held',
  looksAt: 'dead letters whose time is nearly over, and partitions that have stopped',
  of: ['service'],
  async run({ query, name }) {
    const { rows: dead } = await query<{ n: number }>(
      `select count(*)::int as n from spandrel.held where expires_at < now() + interval '1 day'`,
      [],
    )
    const findings: Finding[] = []
    const number = dead[0]?.n ?? 0
    if (number > 0)
      findings.push(
        error(
          `${number} ${number === 1 ? 'dead letter is' : 'dead letters are'} removed within a day, handled or not`,
          `spandrel messages list --service ${name} --state dead; then replay or discard them`,
        ),
      )
    const { rows: stopped } = await query<{ subscription: string; partition: number; stopped: string }>(
      'select subscription, partition, stopped from spandrel.partitions where stopped is not null order by 1, 2',
      [],
    )
    for (const one of stopped)
      findings.push(
        error(
          `${one.subscription}, partition ${one.partition} has stopped: ${one.stopped}`,
          'docs/operations/positions.md says what to do',
        ),
      )
    return findings
  },
}

export const streamRoom: Check = {
  id: 'stream-room',
  looksAt: 'how full each channel is, and which subscription keeps its messages',
  of: ['stream'],
  async run({ query }) {
    const { rows } = await query<{ channel: string; fill: number; slowest: string | null }>(
      `select c.address as channel, max((h.head - h.tail)::float8 / greatest(1, c.max_messages / c.partitions)) as fill,
         (select p.name from spandrel_stream.positions p where p.channel = c.id order by p.position limit 1) as slowest
       from spandrel_stream.channels c join spandrel_stream.heads h on h.channel = c.id group by c.id, c.address order by 1`,
      [],
    )
    return rows
      .filter(({ fill }) => fill >= 0.8)
      .map(({ channel, fill, slowest }) =>
        (fill >= 1 ? error : warning)(
          `the channel ${channel} is full to ${Math.round(fill * 100)} %${fill >= 1 ? ': outboxes wait' : ''}`,
          `start the reader that is furthest behind (${slowest ?? 'none has a position'}), or: update spandrel_stream.channels set max_messages = max_messages * 2 where address = '${channel.replaceAll("'", "''")}';`,
        ),
      )
  },
}
