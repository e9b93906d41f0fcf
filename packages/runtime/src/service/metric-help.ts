/** What the numbers of the loops say, and their units. The names of the numbers are those of health. */
const helps: Readonly<Record<string, string>> = {
  relay_oldestUnsentSeconds: 'Age of the oldest message in the outbox that is not sent yet, in seconds',
  relay_unsent: 'Messages in the outbox that are not sent yet',
  relay_heldByProducer: 'Messages of this service that are held because they cannot be sent',
  relay_deadRows: 'Dead rows of the outbox that PostgreSQL has not vacuumed yet, an estimate',
  relay_oldestTransactionSeconds: 'Age of the oldest transaction that keeps sent rows from being vacuumed, in seconds',
  relay_oldestTransactionPid:
    'Process id, in PostgreSQL, of the oldest transaction that keeps rows from being vacuumed',
  relay_holdsLease: '1 where this process holds the lease of the relay, 0 where another one does',
  relay_backingOff: 'Channels that the relay leaves alone for a while because sending failed',
  relay_sent: 'Messages sent by this process since it started',
  relay_lowWaterMark: 'Id of an outbox row: all up to it are sent',
  relay_rescans: 'Times this process read the outbox from its beginning again, since it started',
  consumer_partitionsOwned: 'Partitions this process receives from',
  consumer_partitionsStopped: 'Partitions this process has stopped receiving from; health says why',
  consumer_operationsPaused: 'Operations that are paused because something they need is down',
  consumer_unsettled: 'Messages being handled by this process',
  consumer_pending: 'Messages this process has read and not begun to handle',
  consumer_held: 'Messages held by this service: retrying, waiting and dead',
  consumer_heldDead: 'Dead letters held by this service',
  consumer_oldestHeldSeconds: 'Time since the oldest held message was first held, in seconds',
}

/** The help text of a number of a loop, as `/metrics` prints it. */
export function metricHelp(loop: string, name: string): string {
  const [, expired] = /^expired_(.+)$/.exec(name) ?? []
  if (loop === 'expiry' && expired !== undefined)
    return `Rows of ${expired} that this process removed because their time was over, since it started`
  return helps[`${loop}_${name}`] ?? `${name} of the loop ${loop}, as health shows it`
}
