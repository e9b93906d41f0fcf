/** What a consumer is made of, and its pace. */
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import type { Logger } from '../service/loop.ts'
import type { Transport } from '../transport/transport.ts'
import type { ReceivedMessage, ReceiveHandlers } from './handlers.ts'

/** Makes the call an `act` asked for; see calls/call.ts. */
export type ConsumerCall = (
  ref: string,
  input: unknown,
  context: {
    /** goes out as the idempotency key the provider's contract asks for */
    key: string
    signal: AbortSignal
    /** epoch milliseconds after which an answer is of no use */
    deadline: number
    cause: ReceivedMessage
  },
) => Promise<unknown>

export interface ConsumerOptions<T extends ContractTypes, Tx> {
  contract: ServiceContract<T>
  database: Database<Tx>
  transport: Transport
  handlers: ReceiveHandlers<T, Tx>
  logger: Logger
  /** Rings the relay: called after a commit that sent something. */
  onCommitted?: () => void
  /** Makes the calls of `act`; without it they are refused. */
  call?: ConsumerCall
  tuning?: Partial<ConsumerTuning>
}

export interface ConsumerTuning {
  /** connections of the pool this consumer may take at once: all but two for jobs; at least 3 */
  connections: number
  /** messages in one transaction */
  maxBatch: number
  /** messages a subscription keeps at hand, running ones included */
  window: number
  /** bytes one read of the transport may bring */
  maxReadBytes: number
  /** bytes of data a subscription keeps at hand before it reads more */
  maxBytes: number
  /** `act`s of one subscription that run at once */
  maxActs: number
  /** how long a partition stays this process's own without renewal */
  leaseMs: number
  renewMs: number
  /** how often the transport and the held messages are looked at without a hint */
  pollMs: number
  /** a batch that takes longer no longer keeps other keys from starting theirs */
  patienceMs: number
  /** how long a delivery is remembered after it was handled */
  rememberMs: number
  /** first and longest pause after a failure that is nobody's fault */
  backoffMs: number
  maxBackoffMs: number
  /** first and longest pause of an operation that reported an `Outage` */
  probeMs: number
  maxProbeMs: number
}

const day = 24 * 60 * 60 * 1000

export const defaultTuning: ConsumerTuning = {
  connections: 5,
  maxBatch: 500,
  window: 2000,
  maxReadBytes: 8 * 1024 * 1024,
  maxBytes: 32 * 1024 * 1024,
  maxActs: 32,
  leaseMs: 3000,
  renewMs: 1000,
  pollMs: 250,
  patienceMs: 100,
  rememberMs: 14 * day,
  backoffMs: 50,
  maxBackoffMs: 2000,
  probeMs: 1000,
  maxProbeMs: 30_000,
}

/** The runtime's own limit for a handler whose contract names none. */
export const defaultTimeoutMs = 30_000
