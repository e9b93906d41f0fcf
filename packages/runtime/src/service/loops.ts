/** Stand-ins until the relay and the consumer are in place. */
import type { ServiceContract } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import { SpandrelError } from '../errors.ts'
import type { ConsumerCall } from '../inbox/options.ts'
import type { Transport } from '../transport/transport.ts'
import type { Logger, Loop } from './loop.ts'

export interface RelayParts {
  contract: ServiceContract
  database: Database
  transport: Transport
  logger: Logger
}

export interface ConsumerParts extends RelayParts {
  handlers: object
  onCommitted: () => void
  call: ConsumerCall
}

export function relayLoop(_parts: RelayParts): Loop & { ring(): void } {
  throw new SpandrelError('wrong-configuration', 'this version has no relay yet')
}

export function consumerLoop(_parts: ConsumerParts): Loop {
  throw new SpandrelError('wrong-configuration', 'this version has no consumer yet')
}
