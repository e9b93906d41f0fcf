/** What compiles and what does not: `tsc` is the judge, these calls only have to be there. */
import type pg from 'pg'
import { expect, test } from 'vitest'
import { bookings, type BookingTypes } from '../../test/bookings-contract.ts'
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import { external, type ReceiveContext } from '../inbox/handlers.ts'
import type { PgTransaction } from '../database/pg.ts'
import { createService } from '../service/create-service.ts'
import { type HandleContext, operation } from './handlers.ts'

const contract = bookings()
const database = { query: () => {}, connect: () => {}, on: () => {} } as unknown as pg.Pool
const book = () => Promise.resolve({ status: 201, body: { bookingId: 1, item: 'x' } }) as never
const others = { bookWaiting: book, bookPlain: book, getBooking: () => Promise.resolve({ status: 404 as const }) }

test('a handler that `before` returns sees what it knows, with all types', () => {
  const service = createService(contract, {
    database,
    handlers: {
      ...others,
      book: {
        async before({ body }, { call }) {
          const quote = await call('prices.quote', { query: { item: body.item } })
          return async ({ tx, send }) => {
            if (quote.status === 404) return { status: 404 }
            const price: number = quote.body.price
            // @ts-expect-error -- the transaction of a pg pool
            const wrong: string = tx
            await tx.query('select $1', [price, wrong])
            // @ts-expect-error -- not what the message has
            send('booked', { bookingId: 'one' })
            return { status: 201, body: { bookingId: 1, item: body.item } }
          }
        },
      },
    },
  })
  expect(service.name).toBe('bookings')
})

test('`operation` gives `prepared` the type that `before` returns', () => {
  const service = createService(contract, {
    database,
    handlers: {
      ...others,
      book: operation({
        before: ({ body }, { call }) => call('prices.quote', { query: { item: body.item } }),
        async handle({ body, prepared: quote }, { tx, send }: HandleContext<BookingTypes, PgTransaction>) {
          if (quote.status === 404) return { status: 404 }
          const price: number = quote.body.price
          // @ts-expect-error -- a price is a number
          const wrong: string = quote.body.price
          await tx.query('select $1', [price, wrong])
          send('booked', { bookingId: 1, item: body.item })
          // @ts-expect-error -- not what the message has
          send('booked', { bookingId: 'one' })
          // @ts-expect-error -- no such message
          send('boked', {})
          return { status: 201, body: { bookingId: 1, item: body.item } }
        },
      }),
    },
  })
  expect(service.name).toBe('bookings')
})

test('a handler cannot call, and an answer that is not declared does not compile', () => {
  createService(contract, {
    database,
    handlers: {
      ...others,
      async book(_input, context) {
        // @ts-expect-error -- only `before` may call
        await context.call?.('prices.quote', {})
        return { status: 201, body: { bookingId: 1, item: 'x' } }
      },
      // @ts-expect-error -- 200 has a body
      getBooking: () => Promise.resolve({ status: 200 as const }),
    },
  })
  expect.assertions(0)
})

test('missing and misspelt handlers do not compile, and are refused at run time too', () => {
  // @ts-expect-error -- no handler for `book`
  expect(() => createService(contract, { database, handlers: others })).toThrow('no handler for book')
  // @ts-expect-error -- no operation `boook`
  expect(() => createService(contract, { database, handlers: { ...others, book, boook: book } })).toThrow('"boook"')
})

interface Receiving extends ContractTypes {
  operations: Pick<BookingTypes['operations'], 'book'>
  sends: BookingTypes['sends']
  receives: { countBooking: { data: { bookingId: number; item: string }; type: 'booked' } }
  uses: BookingTypes['uses']
}

test('`external` relates what `act` returns to `handle`, with the type of the transaction', () => {
  const receiving = {
    ...contract,
    operations: { book: contract.operations.book },
    receives: { countBooking: {} },
  } as unknown as ServiceContract<Receiving>
  createService(receiving, {
    database,
    handlers: {
      book,
      countBooking: external({
        act: async ({ data }, { call, key }) => {
          const quote = await call('prices.quote', { query: { item: data.item } })
          return { price: quote.status === 200 ? quote.body.price : 0, key }
        },
        async handle({ data, result }, { tx, send }: ReceiveContext<Receiving, PgTransaction>) {
          const price: number = result.price
          await tx.query('select $1', [price])
          send('booked', { bookingId: data.bookingId, item: data.item })
          // @ts-expect-error -- not what `act` returned
          void result.nothing
        },
      }),
    },
  })
  expect.assertions(0)
})
