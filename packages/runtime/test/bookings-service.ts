/** The bookings service of tests: effects are rows without any unique constraint, so a second effect shows. */
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { createService, type Service } from '../src/service/create-service.ts'
import type { HandleContext, OperationInput } from '../src/operations/handlers.ts'
import type { PgTransaction } from '../src/database/pg.ts'
import { migrateService } from '../src/schema/migrate.ts'
import { registrationOf } from '../src/schema/registration.ts'
import type { ServiceOptions } from '../src/service/service-options.ts'
import { type BookingOptions, bookings, type BookingTypes } from './bookings-contract.ts'

export async function prepareBookings(pool: pg.Pool, options: BookingOptions = {}): Promise<void> {
  await migrateService(pool, registrationOf(bookings(options)))
  await pool.query(
    'create table effects (id bigint generated always as identity, item text not null, at timestamptz default clock_timestamp())',
  )
}

/** Handlers that were told `gate:<name>` wait here until the test opens it. */
export const gates = new Map<string, PromiseWithResolvers<void>>()

/** Items whose handler has begun, in this process. */
export const begun = new Set<string>()

type Input = OperationInput<BookingTypes['operations']['book']>

/** Does what the body says: see the cases. Every case but the plain ones makes its effect first. */
export async function book(
  { body }: Input,
  { tx, send, note, signal }: HandleContext<BookingTypes, PgTransaction>,
): Promise<BookingTypes['operations']['book']['answer']> {
  const { rows } = await tx.query<{ id: string }>('insert into effects (item) values ($1) returning id', [body.item])
  const bookingId = Number(rows[0]?.id)
  send('booked', { bookingId, item: body.item })
  begun.add(body.item)
  note(`booked ${body.item}`)
  if (body.ms !== undefined) await delay(body.ms, undefined, { signal })
  const [what, argument] = (body.does ?? 'ok').split(':')
  switch (what) {
    case 'status':
      return { status: Number(argument), body: { refused: body.item } }
    case 'gate':
      await gates.get(argument ?? '')?.promise
      break
    case 'throw':
      throw new Error('the handler throws')
    case 'large':
      return { status: 201, body: { bookingId, item: 'x'.repeat(Number(argument)) } }
    case 'swallow':
      await tx.query('select 1/0').catch(() => {})
      break
    case 'swallow-and-refuse':
      await tx.query('select 1/0').catch(() => {})
      return { status: 422, body: { refused: body.item } }
    case 'savepoint':
      await tx.query('savepoint mine')
      await tx.query('insert into effects (item) values ($1)', [`${body.item} undone`])
      await tx.query('rollback to savepoint mine')
      break
    case 'heal':
      await tx.query('savepoint mine')
      await tx.query('select 1/0').catch(() => {})
      await tx.query('rollback to savepoint mine')
      break
    case 'unawaited':
      void tx.query(`insert into effects (item) select $1 from pg_sleep(0.1)`, [`${body.item} unawaited`])
      break
    case 'unawaited-failing':
      void tx.query('select 1/0 from pg_sleep(0.1)').catch(() => {})
      break
    case 'stuck':
      await tx.query('select pg_sleep(60)')
      break
    case 'serialization':
      // The first attempts of an item are broken off as the database would.
      await tx.query(
        `do $$ begin
           if nextval('${argument}') <= 2 then raise exception 'could not serialize' using errcode = '40001'; end if;
         end $$`,
      )
      break
    case 'undeclared':
      return { status: 201, body: { wrong: true } }
  }
  return { status: 201, body: { bookingId, item: body.item }, headers: { location: `/bookings/${bookingId}` } }
}

export function bookingService(
  database: pg.Pool,
  options: BookingOptions & { service?: string; options?: Partial<ServiceOptions<pg.Pool>>; before?: boolean } = {},
): Service {
  return createService(bookings(options), {
    database,
    relay: false,
    ...options.options,
    handlers: {
      book: {
        async before({ body }, { call }) {
          if (options.before !== true) return undefined
          return call('prices.quote', { query: { item: body.item } })
        },
        handle: book,
      },
      bookWaiting: book,
      bookPlain: book,
      async getBooking({ params }, { tx }) {
        const { rows } = await tx.query<{ id: string; item: string }>('select id, item from effects where id = $1', [
          params.bookingId,
        ])
        const row = rows[0]
        return row === undefined
          ? { status: 404 }
          : { status: 200, body: { bookingId: Number(row.id), item: row.item } }
      },
    },
  })
}
