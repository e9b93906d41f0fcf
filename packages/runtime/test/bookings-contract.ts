/**
 * A hand-written contract for tests of operations: bookings, with handlers that do what the request's body says.
 * `keyed()` makes variants of one operation: its key, its overlap, what it remembers.
 */
import type {
  ContractTypes,
  Guarantees,
  KeyGuarantee,
  OperationContract,
  ServiceContract,
  Validator,
} from '../src/contract/service-contract.ts'

export interface Booking {
  item: string
  /** how long the handler takes */
  ms?: number
  /** what it does then; default: insert an effect, send a message, answer 201 */
  does?: string
}

type BookingAnswer =
  | { status: 201; body: { bookingId: number; item: string }; headers?: Record<string, string> }
  | { status: number; body?: unknown; headers?: Record<string, string> }

interface Input {
  params: Record<string, never>
  query: { dry?: boolean; tags?: string[] }
  headers: Record<string, unknown>
  body: Booking
  answer: BookingAnswer
}

export interface BookingTypes extends ContractTypes {
  operations: {
    book: Input
    bookWaiting: Input
    bookPlain: Input
    getBooking: {
      params: { bookingId: number }
      query: Record<string, never>
      headers: Record<string, unknown>
      body: undefined
      answer: { status: 200; body: { bookingId: number; item: string } } | { status: 404 }
    }
  }
  sends: { booked: { bookingId: number; item: string } }
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- what the generator writes for none
  receives: Record<never, never>
  uses: {
    'prices.quote': {
      input: { query: { item: string } }
      answer: { status: 200; body: { price: number } } | { status: 404; body?: undefined }
    }
    'prices.reserve': { input: { body: { item: string } }; answer: { status: 201; body: { reservation: string } } }
  }
}

/** A validator from a function that names the fault, or gives undefined. */
export function validator(fault: (data: unknown) => string | undefined): Validator {
  const validate: Validator = (data) => {
    const message = fault(data)
    validate.errors = message === undefined ? null : [{ instancePath: '', keyword: 'test', message }]
    return message === undefined
  }
  return validate
}

const anything = validator(() => undefined)
const isBooking = validator((data) =>
  typeof data === 'object' && data !== null && 'item' in data && typeof data.item === 'string'
    ? undefined
    : 'must have an item',
)
const isBooked = validator((data) =>
  typeof data === 'object' && data !== null && 'bookingId' in data && typeof data.bookingId === 'number'
    ? undefined
    : 'must have a bookingId',
)

export const noGuarantees: Guarantees = {
  idempotency: 'none',
  delivery: 'at-least-once',
  ordering: 'none',
  retry: 'none',
  deadLetter: 'none',
}

export function keyGuarantee(more: Partial<KeyGuarantee> = {}): KeyGuarantee {
  return {
    key: { source: 'request.header', name: 'Idempotency-Key' },
    required: true,
    scope: 'global',
    retentionMs: 24 * 3600 * 1000,
    onOverlap: 'reject',
    onMismatch: 'reject',
    remembers: 'final',
    ...more,
  }
}

export function bookingOperation(operation: string, path: string, guarantees: Partial<Guarantees>): OperationContract {
  return {
    operation,
    method: 'post',
    path,
    parameters: [
      {
        name: 'dry',
        in: 'query',
        required: false,
        type: 'boolean',
        validate: validator((data) => (typeof data === 'boolean' ? undefined : 'must be boolean')),
      },
      { name: 'tags', in: 'query', required: false, type: 'array', itemType: 'string', validate: anything },
    ],
    body: { required: true, contentTypes: ['application/json'], validate: isBooking },
    answers: {
      '201': { validate: isBooked, contentType: 'application/json', headers: ['location'] },
      '4XX': { contentType: 'application/problem+json', headers: [] },
      '5XX': { headers: [] },
    },
    guarantees: { ...noGuarantees, ...guarantees },
  }
}

export interface BookingOptions {
  key?: Partial<KeyGuarantee>
  timeoutMs?: number
  service?: string
  prices?: string
  uses?: Partial<Guarantees>
}

export function bookings(options: BookingOptions = {}): ServiceContract<BookingTypes> {
  const service = options.service ?? 'bookings'
  const time = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }
  return {
    system: 'test',
    service,
    source: `/test/${service}`,
    version: '1.0.0',
    operations: {
      book: bookingOperation('book', '/bookings', { idempotency: keyGuarantee(options.key), ...time }),
      bookWaiting: bookingOperation('bookWaiting', '/waiting-bookings', {
        idempotency: keyGuarantee({ onOverlap: 'wait', ...options.key }),
        ...time,
      }),
      bookPlain: bookingOperation('bookPlain', '/plain-bookings', time),
      getBooking: {
        operation: 'getBooking',
        method: 'get',
        path: '/bookings/{bookingId}',
        parameters: [
          {
            name: 'bookingId',
            in: 'path',
            required: true,
            type: 'integer',
            validate: validator((data) => (typeof data === 'number' ? undefined : 'must be integer')),
          },
        ],
        answers: {
          '200': { validate: isBooked, contentType: 'application/json', headers: [] },
          '404': { headers: [] },
        },
        guarantees: { ...noGuarantees, idempotency: 'natural' },
        deprecated: true,
        sunset: '2030-01-01T00:00:00Z',
      },
    },
    channels: { 'bookings.booked': { address: 'bookings.booked', ordered: true, partitions: 4 } },
    sends: {
      booked: {
        message: 'booked',
        operation: 'publishBooked',
        channel: 'bookings.booked',
        type: 'booked',
        intent: 'event',
        validate: isBooked,
        guarantees: { ...noGuarantees, ordering: { by: { source: 'message.payload', pointer: ['item'] } } },
      },
    },
    receives: {},
    uses: {
      'prices.quote': {
        ref: 'prices.quote',
        service: 'prices',
        operation: 'quote',
        method: 'get',
        path: '/quote',
        parameters: [{ name: 'item', in: 'query', required: true }],
        hasBody: false,
        answers: { '200': { headers: [], contentType: 'application/json' }, '404': { headers: [] } },
        guarantees: {
          ...noGuarantees,
          idempotency: 'natural',
          retry: { attempts: 3, backoff: 'exponential', delayMs: 10, maxDelayMs: 50 },
          ...options.uses,
        },
        url: { env: 'PRICES_URL', default: options.prices ?? 'http://127.0.0.1:9' },
      },
      'prices.reserve': {
        ref: 'prices.reserve',
        service: 'prices',
        operation: 'reserve',
        method: 'post',
        path: '/reservations',
        parameters: [{ name: 'Idempotency-Key', in: 'header', required: true }],
        hasBody: true,
        answers: { '201': { headers: [], contentType: 'application/json' } },
        guarantees: {
          ...noGuarantees,
          idempotency: keyGuarantee(),
          retry: { attempts: 4, backoff: 'exponential', delayMs: 10, maxDelayMs: 50 },
          ...options.uses,
        },
        url: { env: 'PRICES_URL', default: options.prices ?? 'http://127.0.0.1:9' },
      },
    },
  }
}
