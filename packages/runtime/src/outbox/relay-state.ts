/** What health shows of an outbox: how old, how much, and who keeps dead rows from being vacuumed (FM02, FM03, FM07). */
import type { Query } from '../database/database.ts'
import type { Logger } from '../service/loop.ts'

const mostCounted = 10_000
const longTransactionSeconds = 60

const statement = `
select
  (select attributes from spandrel.outbox order by id limit 1) as oldest,
  (select count(*)::int from (select 1 from spandrel.outbox limit ${mostCounted + 1}) counted) as unsent,
  (select count(*)::int from spandrel.held where side = 'producer') as held,
  (select n_dead_tup::int from pg_stat_user_tables where relid = 'spandrel.outbox'::regclass) as dead,
  (select json_build_object('pid', pid, 'application', application_name,
      'seconds', extract(epoch from clock_timestamp() - xact_start))::text
    from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
      and xact_start is not null
    order by xact_start limit 1) as open`

interface Row {
  oldest: string | null
  unsent: number
  held: number
  dead: number | null
  open: string | null
}

interface OpenTransaction {
  pid: number
  application: string
  seconds: number
}

export class OutboxState {
  #gauges: Record<string, number> = { oldestUnsentSeconds: 0 }
  #warned: number | undefined

  get gauges(): Readonly<Record<string, number>> {
    return this.#gauges
  }

  async look(query: Query, logger: Logger): Promise<void> {
    const { rows } = await query<Row>(statement, [])
    const [row] = rows
    if (row === undefined) return
    const { oldest, unsent, held, dead } = row
    const open = JSON.parse(row.open ?? 'null') as OpenTransaction | null
    this.#gauges = {
      oldestUnsentSeconds: oldest === null ? 0 : ageOf(oldest),
      unsent,
      heldByProducer: held,
      deadRows: dead ?? 0,
      ...(open !== null && { oldestTransactionSeconds: open.seconds, oldestTransactionPid: open.pid }),
    }
    if (open === null || open.seconds < longTransactionSeconds || open.pid === this.#warned) return
    this.#warned = open.pid
    logger.warn(
      { pid: open.pid, application: open.application, seconds: Math.round(open.seconds) },
      'a transaction has been open for long: sent rows of the outbox cannot be vacuumed behind it, reading gets slower; end it, or `select pg_terminate_backend(pid)`',
    )
  }
}

function ageOf(attributes: string): number {
  try {
    const { time } = JSON.parse(attributes) as { time?: string }
    const age = (Date.now() - Date.parse(time ?? '')) / 1000
    return Number.isFinite(age) ? Math.max(0, age) : 0
  } catch {
    return 0
  }
}
