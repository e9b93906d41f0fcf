/** Requests to the bookings service, and what its database says about their effects. */
import type pg from 'pg'
import type { Booking } from './bookings-contract.ts'

export interface Asked {
  status: number
  text: string
  headers: Headers
  replayed: boolean
  /** name of the problem, where the answer is one */
  problem: string | undefined
}

export async function ask(
  url: string,
  path: string,
  body: Booking,
  options: { key?: string; headers?: Record<string, string>; signal?: AbortSignal; method?: string } = {},
): Promise<Asked> {
  const response = await fetch(url + path, {
    method: options.method ?? 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.key !== undefined && { 'idempotency-key': options.key }),
      ...options.headers,
    },
    body: JSON.stringify(body),
    ...(options.signal !== undefined && { signal: options.signal }),
  })
  return asked(response)
}

export async function asked(response: Response): Promise<Asked> {
  const text = await response.text()
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  return {
    status: response.status,
    text,
    headers: response.headers,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    problem: isProblem ? (JSON.parse(text) as { type?: string }).type?.split('/').at(-1) : undefined,
  }
}

/** Rows of effects and of messages for one item; nothing in the schema could hide a second one. */
export async function effects(pool: pg.Pool, item: string): Promise<{ effects: number; messages: number }> {
  const { rows } = await pool.query<{ effects: number; messages: number }>(
    `select (select count(*)::int from effects where item = $1) as effects,
       (select count(*)::int from spandrel.outbox where data::json ->> 'item' = $1) as messages`,
    [item],
  )
  return rows[0] ?? { effects: -1, messages: -1 }
}

/** Resolves once the condition holds; rejects after the limit, which is no pause but a failure. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
