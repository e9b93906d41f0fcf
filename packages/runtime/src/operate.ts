/** What operates services from outside, over SQL: the command line, the gateway, the chaos driver. No service needs it. */
export { Breaker, type BreakerOptions, type BreakerState, type Entry } from './calls/breaker.ts'
export { brokeOff } from './calls/connection-failure.ts'
export { pauseBefore, retriesStatus, retryAfter, saysDown } from './calls/try.ts'
export type { Database, Query } from './database/database.ts'
export { asDatabase, type DatabaseLike } from './database/as-database.ts'
export { isConnectionLost, isTransientFailure, sqlState } from './database/failure.ts'
export { fingerprint } from './message/canonical.ts'
export {
  checkGateway,
  checkMigrated,
  checkStream,
  migrateGateway,
  migrateService,
  migrateStream,
  migrationSql,
  type MigrationReport,
} from './schema/migrate.ts'
export { migrations } from './schema/migrations.ts'
export { registrationOf, type ServiceRegistration, type StreamRegistration } from './schema/registration.ts'
export { createRelay, type Relay, type RelayOptions } from './outbox/relay.ts'
export { createPush, type PushOptions } from './push/push.ts'
export type { Logger, Loop, LoopHealth } from './service/loop.ts'
export { createServiceExpiry } from './service/service-expiry.ts'
export { manage } from './service/management.ts'
export { stopSignal } from './service/stop-signal.ts'
export { metricHelp } from './service/metric-help.ts'
export { Metrics } from './service/metrics.ts'
export type { ServiceContract } from './contract/service-contract.ts'
export { encodeBinary, encodeStructured } from './message/cloudevents.ts'
export type { Envelope, MessageAttributes, OutgoingMessage } from './message/envelope.ts'
export { openObserver, type StreamObserver, type StreamPlace } from './transport/observe.ts'
export type { Delivery, Transport } from './transport/transport.ts'
export { openTransport } from './transport/open.ts'
export { type Conservation, conservation } from './inbox/conservation.ts'
export { usableTracestate } from './message/trace-state.ts'
