/** What a service imports. Adapters: `@spandrel/runtime/pg`, `/kysely`, `/drizzle`, `/knex`, `/postgres-js`, `/typeorm`. */
export { CallError, type CallFailure } from './calls/call-error.ts'
export type { Call, CallerOptions } from './calls/call.ts'
export type { Database, Joined, Lent, OpenTransaction, Query, QueryResult } from './database/database.ts'
export { type ErrorCode, Outage, SpandrelError, Terminal } from './errors.ts'
export { external } from './inbox/handlers.ts'
export type {
  ActContext,
  BatchContext,
  ReceiveContext,
  ReceivedMessage,
  ReceiveHandler,
  ReceiveHandlers,
  Send,
} from './inbox/handlers.ts'
export type { Envelope, MessageAttributes } from './message/envelope.ts'
export { operation } from './operations/handlers.ts'
export type {
  BeforeContext,
  HandleContext,
  OperationHandler,
  OperationHandlers,
  OperationInput,
} from './operations/handlers.ts'
export type { Identify } from './operations/identity.ts'
export type { Identity } from './operations/key.ts'
export { createOutbox, type Outbox, type OutboxOptions, type OutboxRelayOptions } from './outbox/outbox.ts'
export { createService, type Service, type ServiceHealth } from './service/create-service.ts'
export type { Logger, Loop, LoopHealth } from './service/loop.ts'
export { runUntilSignal } from './service/run-until-signal.ts'
export type { Handlers, ServiceOptions } from './service/service-options.ts'
export { openTransport } from './transport/open.ts'
export type { Transport } from './transport/transport.ts'
