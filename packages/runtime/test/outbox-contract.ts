/** A small contract of the shape a generated one has, for tests of outbox, relay and transports. */
import type {
  ChannelContract,
  Guarantees,
  SendContract,
  ServiceContract,
  Validator,
} from '../src/contract/service-contract.ts'

interface Types {
  operations: Record<string, never>
  sends: { moved: Moved; noted: { text: string }; counted: { n: number } }
  receives: Record<string, never>
  uses: Record<string, never>
}

/** `seq` is what an order is checked by */
export interface Moved {
  key: string
  seq: number
}

const guarantees: Guarantees = {
  idempotency: 'none',
  delivery: 'at-least-once',
  ordering: 'none',
  retry: 'none',
  deadLetter: 'none',
}
const byKey: Guarantees = { ...guarantees, ordering: { by: { source: 'message.payload', pointer: ['key'] } } }

function checks(test: (data: Record<string, unknown>) => boolean, message: string): Validator {
  const validate: Validator = (data) => {
    const fine = typeof data === 'object' && data !== null && test(data as Record<string, unknown>)
    validate.errors = fine ? null : [{ instancePath: '', keyword: 'type', message }]
    return fine
  }
  return validate
}

const channel = (address: string, ordered: boolean, partitions: number): ChannelContract => ({
  address,
  ordered,
  partitions,
})
const send = (message: string, to: string, validate: Validator, promised = guarantees): SendContract => ({
  message,
  operation: `send-${message}`,
  channel: to,
  type: `test.${message}`,
  intent: 'event',
  validate,
  guarantees: promised,
})

export const sender: ServiceContract<Types> = {
  system: 'test',
  service: 'sender',
  source: '/test/sender',
  version: '1.0.0',
  operations: {},
  channels: { moves: channel('moves', true, 8), notes: channel('notes', false, 2), counts: channel('counts', true, 1) },
  sends: {
    moved: send(
      'moved',
      'moves',
      checks(({ key, seq }) => typeof key === 'string' && typeof seq === 'number', 'must have key and seq'),
      byKey,
    ),
    noted: send(
      'noted',
      'notes',
      checks(({ text }) => typeof text === 'string', 'must have text'),
    ),
    counted: send(
      'counted',
      'counts',
      checks(({ n }) => typeof n === 'number', 'must have n'),
      { ...guarantees, ordering: 'total' },
    ),
  },
  receives: {},
  uses: {},
}

/** What a service named `reader` would register to read everything the sender sends. */
export const readers = Object.keys(sender.channels).map((address) => ({ name: `reader:${address}`, channel: address }))
