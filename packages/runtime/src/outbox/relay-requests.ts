/**
 * What an operator asked for a held message of this producer. Requests are rows; the relay that holds the lease carries
 * them out, the lowest row of a key only, so that nothing of the key can pass it.
 */
import type { Database } from '../database/database.ts'
import { journal, type JournalEntry } from '../inbox/journal.ts'
import type { MessageAttributes, OutgoingMessage } from '../message/envelope.ts'
import type { PublishResult } from '../transport/transport.ts'

interface Requested {
  id: string
  request: 'replay' | 'discard'
  channel: string
  attributes: string
  data: string
  reason: string | null
  requested_by: string | null
  requested_why: string | null
}

const wanted = `
select id, request, channel, attributes, data, reason, requested_by, requested_why
from spandrel.held h
where side = 'producer' and request is not null and not exists (
  select 1 from spandrel.held before where before.side = 'producer' and before.channel = h.channel
    and before.partitionkey = h.partitionkey and before.id < h.id)
order by id limit 50`

const remove = 'delete from spandrel.held where id = $1::bigint'
const remember = `
insert into spandrel.sent (id, channel, source, message_id, type, correlationid, attributes)
values (nextval('spandrel.outbox_id'), $1, $2, $3, $4, $5, $6)`
const refuse = `
update spandrel.held set request = null, requested_by = null, requested_why = null, requested_at = null,
  replays = replays + 1, attempts = attempts + 1, error = $2
where id = $1::bigint`

export interface RequestParts {
  database: Database
  publish: (message: OutgoingMessage) => Promise<PublishResult>
  /** what is wrong with a message by the contract of today */
  fault: (message: OutgoingMessage) => string | undefined
}

/** Carries out what can be done now; how many that were. */
export async function carryOutRequests(parts: RequestParts): Promise<number> {
  const { rows } = await parts.database.query<Requested>(wanted, [])
  let done = 0
  for (const row of rows) if (await carryOut(parts, row)) done++
  return done
}

async function carryOut({ database, publish, fault }: RequestParts, row: Requested): Promise<boolean> {
  const message: OutgoingMessage = {
    channel: row.channel,
    attributes: JSON.parse(row.attributes) as MessageAttributes,
    data: row.data,
  }
  const { id, source, type, correlationid, causationid } = message.attributes
  const entry = (kind: JournalEntry['kind'], why: string | null): JournalEntry => ({
    kind,
    correlationid,
    source,
    messageId: id,
    causationid,
    actor: row.requested_by ?? undefined,
    why: why ?? undefined,
    detail: { channel: row.channel },
  })
  if (row.request === 'discard') {
    await database.transaction(async ({ query }) => {
      await query(remove, [row.id])
      await journal(query, [entry('discard', row.requested_why)])
    })
    return true
  }
  const wrong = row.reason === 'contract-violation' ? fault(message) : undefined
  const result: PublishResult = wrong === undefined ? await publish(message) : { ok: false, refused: wrong }
  // Not now: the request stays.
  if (!result.ok && 'later' in result) return false
  await database.transaction(async ({ query }) => {
    if (result.ok) {
      await query(remove, [row.id])
      await query(remember, [row.channel, source, id, type, correlationid ?? null, row.attributes])
      await journal(query, [entry('replay', row.requested_why)])
    } else {
      await query(refuse, [row.id, result.refused])
      await journal(query, [entry('request-refused', result.refused)])
    }
  })
  return true
}
