/** The loops of a service, as `createService` wants them. The relay is a stand-in until it is in place. */
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import { SpandrelError } from '../errors.ts'
import { createConsumer } from '../inbox/consumer.ts'
import type { ReceiveHandlers } from '../inbox/handlers.ts'
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

export function consumerLoop(parts: ConsumerParts): Loop {
  return createConsumer({ ...parts, handlers: parts.handlers as ReceiveHandlers<ContractTypes, unknown> })
}
