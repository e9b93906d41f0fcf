import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { type AuditSources, copyTables } from './copy-tables.ts'

export type { AuditSources } from './copy-tables.ts'

/** The laws of docs/design, as the audit names them. */
export const LAWS = {
  1: '1 a committed send arrives, a rolled-back one never',
  2: '2 outbox rows go only after the transport confirmed',
  3: '3 settled only after the commit',
  4: '4 key, effect and messages commit together; only a done key suppresses',
  5: '5 overlapping copies run once',
  6: '6 same key, other payload: refused',
  7: '7 one order, one sequence',
  8: '8 outages cost no attempts',
  9: '9 each message is in exactly one place',
  10: '10 nothing is silent',
} as const

export type LawNumber = keyof typeof LAWS

interface Finding {
  law: LawNumber
  kind: 'lost' | 'twice' | 'order' | 'held' | 'late' | 'other'
  /** an order, a purchase or a message */
  about: string
  what: string
}

export interface Verdict {
  /** orders there are; some of them nobody was told of */
  placed: number
  completed: number
  rejected: number
  open: number
  /** orders of which something is missing */
  lost: number
  /** charges at the card network beyond the first of each purchase */
  doubled: number
  /** purchases with more than one charge */
  chargedTwice: number
  /** cents: what the card network moved, less what the ledger booked */
  ledgerDifference: number
  findings: readonly Finding[]
  /** law → `kept`, or `broken: …` */
  laws: Readonly<Record<string, string>>
  held: readonly HeldMessage[]
}

export interface HeldMessage {
  service: string
  type: string
  orderId: string | null
  state: string
  reason: string | null
  /** the order was seeded to end here */
  seeded: boolean
}

/** Runs the audit in an empty database, and leaves it empty: everything happens in a transaction that is rolled back. */
export async function audit(sources: AuditSources, database: string): Promise<Verdict> {
  const client = new pg.Client({ connectionString: database, application_name: 'audit' })
  await client.connect()
  try {
    await client.query('begin')
    await copyTables(sources, client)
    return await judge(client)
  } finally {
    await client.end()
  }
}

interface Numbers {
  placed: number
  completed: number
  rejected: number
  open: number
  lost: number
  doubled: number
  charged_twice: number
  ledger_difference: number
}

async function judge(client: pg.Client): Promise<Verdict> {
  const sql = await readFile(new URL('audit.sql', import.meta.url), 'utf8')
  const results = (await client.query(sql)) as unknown as pg.QueryResult[]
  const [{ rows: findings }, { rows: numbers }] = results.slice(-2) as [
    pg.QueryResult<Finding>,
    pg.QueryResult<Numbers>,
  ]
  const [row] = numbers
  if (row === undefined) throw new Error('audit.sql gave no numbers')
  const { charged_twice: chargedTwice, ledger_difference: ledgerDifference, ...counts } = row
  const held = await client.query<HeldMessage>(
    `select service, type, order_id as "orderId", state, reason,
       coalesce(order_id in (select order_id::text from poisoned), false) as seeded
     from holds order by service, order_id, state, type`,
  )
  const laws = Object.fromEntries(
    Object.entries(LAWS).map(([number, title]) => [
      title,
      ruling(findings.filter((finding) => String(finding.law) === number)),
    ]),
  )
  return { ...counts, chargedTwice, ledgerDifference, findings, laws, held: held.rows }
}

function ruling(findings: readonly Finding[]): string {
  const [first] = findings
  if (first === undefined) return 'kept'
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
  return `broken: ${first.about}: ${first.what}${more}`
}
