/** What server and consumer of the parcel service share: database, outbox, and which defect it has. */
import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import type { ParcelBug } from './bugs.ts'

export const has = (bug: ParcelBug): boolean => process.env['BUG'] === bug
export const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 16 })
pool.on('error', () => {})

export async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

interface Note {
  channel: string
  type: string
  data: unknown
  key: string
  correlation: string
  /** of what it follows from */
  traceparent?: string | undefined
  id?: string
  more?: Record<string, string>
}

/** The same trace, another span. */
function childOf(traceparent: string): string {
  const [version, trace, , flags] = traceparent.split('-')
  const own = has('trace-restarted') ? randomBytes(16).toString('hex') : trace
  return [version, own, randomBytes(8).toString('hex'), flags].join('-')
}

export function envelope({ channel, type, data, key, correlation, traceparent, id, more }: Note) {
  const attributes = {
    specversion: '1.0' as const,
    id: id ?? randomUUID(),
    source: '/post/parcels',
    type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json' as const,
    correlationid: correlation,
    ...(traceparent !== undefined && { traceparent: childOf(traceparent) }),
    ...(!has('ordering-key-missing') && { partitionkey: key }),
    ...more,
  }
  return { channel, attributes, data: typeof data === 'string' ? data : JSON.stringify(data) }
}

export async function send(client: pg.ClientBase | pg.Pool, note: Note): Promise<void> {
  const { channel, attributes, data } = envelope(note)
  await client.query('insert into outbox (channel, attributes, data) values ($1, $2, $3)', [
    channel,
    JSON.stringify(attributes),
    data,
  ])
}
