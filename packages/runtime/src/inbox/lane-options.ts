/** What a lane is given: its subscription, and what it shares with the other lanes of the process. */
import type { Logger } from '../service/loop.ts'
import type { TransportSubscription } from '../transport/transport.ts'
import type { JobContext } from './job.ts'
import type { Subscription } from './operation.ts'
import type { ConsumerCall, ConsumerTuning } from './options.ts'
import type { Slots } from './slots.ts'

export interface LaneOptions<Tx> {
  contract: JobContext<Tx>['contract']
  database: JobContext<Tx>['database']
  owner: string
  subscription: Subscription<Tx>
  source: TransportSubscription
  tuning: ConsumerTuning
  slots: Slots
  logger: Logger
  call: ConsumerCall | undefined
  onCommitted: () => void
  /** messages that run in this process, of all lanes */
  inFlight: () => number
  /** the fence said that a partition is somebody else's */
  onLost: () => void
  /** positions are no longer good; see `ownership.ts` */
  onIncarnation: (error: unknown) => void
}
