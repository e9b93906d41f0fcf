/** Defects of the parcel service, one at a time; see ../servers/bugs.ts for what the members say. */
import type { Bug } from '../servers/bugs.ts'

export interface ParcelBugFacts extends Bug {
  /** what the check that is named for it has to be given */
  readonly needs?: 'kill' | 'carrier' | 'push'
  /** the contract that it breaks; absent: `hold-key` and ordered */
  readonly contract?: 'skip' | 'skip-ordered'
}

/** What counts the effects of requests, so that an effect that is lost shows there. */
const lostAtKill = [
  'sequential',
  'simultaneous',
  'late-overlap',
  'mismatch',
  'reformatted',
  'other-operation',
  'client-abort',
  'transient-failure',
  'crash',
  'kept',
]

export const parcelBugs = {
  'message-not-noted': {
    what: 'nothing is noted of a message that was handled',
    failedBy: 'bookParcel/message-twice',
    also: ['messages-at-once', 'same-intent', 'message-after-restart', 'message-crash'].map(
      (check) => `bookParcel/${check}`,
    ),
  },
  'note-lost-on-copy': {
    what: 'what was noted of a message goes when a copy of it comes, so every other copy is handled',
    failedBy: 'bookParcel/message-twice',
    also: ['bookParcel/messages-at-once'],
  },
  'noted-in-memory': {
    what: 'what was handled is remembered by the process alone',
    failedBy: 'bookParcel/message-after-restart',
    needs: 'kill',
  },
  'looked-up-first': {
    what: 'a pushed message is looked up first and noted last, so copies at once all find nothing',
    failedBy: 'bookParcel/messages-at-once',
    needs: 'push',
    // A pusher that saw the connection break sends again while the first still runs.
    also: ['bookParcel/message-crash'],
  },
  'dedup-by-delivery-id': {
    what: 'only ids are remembered, so the same intent with another id is handled again',
    failedBy: 'bookParcel/same-intent',
  },
  'settled-before-commit': {
    what: 'the position moves when messages are read, not when they are done',
    failedBy: 'bookParcel/message-crash',
    needs: 'kill',
    // A copy of what was lost comes behind those that were sent later.
    also: ['bookParcel/order-crash'],
  },
  'noted-before-done': {
    what: 'a message is noted before it is handled; when that fails, the retry takes it for a copy',
    failedBy: 'bookParcel/message-recovers',
    needs: 'carrier',
    // The one that was being handled at the kill; and a poison that counts as done sets its key free.
    // What is held up and given up is noted, too; on a slow machine so is any that fails once.
    also: ['message-crash', 'dead-letter', 'behind-poison', 'message-timeout', 'around-poison'].map(
      (check) => `bookParcel/${check}`,
    ),
  },
  'message-hangs': {
    what: 'the carrier is waited for without a limit',
    failedBy: 'bookParcel/message-timeout',
    needs: 'carrier',
  },
  'handled-side-by-side': {
    what: 'the messages of a partition are handled at the same time',
    failedBy: 'bookParcel/message-order',
    also: ['bookParcel/order-crash', 'bookParcel/behind-poison'],
  },
  'backlog-from-the-end': {
    what: 'what waits at a start is handled newest first',
    failedBy: 'bookParcel/order-crash',
    needs: 'kill',
  },
  'order-lost-on-retry': {
    what: 'a message that failed is tried again later, and those behind it go first',
    failedBy: 'bookParcel/behind-poison',
  },
  'poison-blocks-all': {
    what: 'a failing message is tried for ever, before anything else of its partition',
    failedBy: 'bookParcel/around-poison',
    also: ['bookParcel/dead-letter'],
  },
  'skip-holds-key': {
    what: 'a dead letter holds back what comes behind it on its key, though `skip` is declared',
    failedBy: 'bookParcel/past-poison',
    contract: 'skip',
  },
  'skip-drops-key': {
    what: 'what waits behind a message that fails is thrown away with it, where it should be skipped alone',
    failedBy: 'bookParcel/past-poison',
    contract: 'skip',
  },
  'skip-turns-order': {
    what: 'what waited behind a dead letter is handled newest first',
    failedBy: 'bookParcel/past-poison',
    // On a slow machine any may fail once, and what waits behind it is turned round as well.
    also: ['bookParcel/message-order', 'bookParcel/order-crash'],
    contract: 'skip-ordered',
  },
  'attempts-off-by-one': { what: 'one attempt more than declared', failedBy: 'bookParcel/attempts' },
  'dead-letter-without-reason': { what: 'dead letters do not say why', failedBy: 'bookParcel/dead-letter' },
  'message-twice-on-replay': {
    what: 'a repeated request gets its first answer, and sends another message',
    failedBy: 'announceOrder/same-message',
  },
  'dual-write': {
    what: 'the message is sent after the commit, by the process that may die in between',
    failedBy: 'announceOrder/effect-has-message',
    needs: 'kill',
    also: ['listOrders/pushed'],
  },
  'message-before-commit': {
    what: 'the message leaves before it is known that the order can be taken',
    failedBy: 'announceOrder/message-has-effect',
    also: ['announceOrder/same-message'],
  },
  'ordering-key-missing': {
    what: 'messages have no ordering key',
    failedBy: 'announceParcel/ordering-key',
    also: ['announceOrder/ordering-key'],
  },
  'rejected-told-as-completed': {
    what: 'a return that nobody takes is said to be completed',
    failedBy: 'returnOrder/expected-outcome',
    // And there is no effect, of course.
    also: ['returnOrder/effect-before-success'],
  },
  'not-pushed': {
    what: 'every second order is not announced; whoever asks sees it',
    failedBy: 'listOrders/pushed',
    also: ['announceOrder/effect-has-message', 'announceOrder/same-message'],
  },
  'message-correlation-lost': {
    what: 'messages have a correlation id of their own',
    failedBy: 'announceParcel/correlation-carried',
    also: ['announceOrder/correlation-carried'],
  },
  'trace-restarted': {
    what: 'messages begin a trace of their own',
    failedBy: 'announceOrder/trace-carried',
    also: ['announceParcel/trace-carried'],
  },
  'key-after-effect': {
    what: 'the key is noted after the commit of the order; a death in between doubles it',
    failedBy: 'placeOrder/crash',
    needs: 'kill',
    also: ['returnOrder/crash'],
  },
  'completion-never': {
    what: 'the order is fulfilled and nobody is told',
    failedBy: 'placeOrder/completes',
    also: ['returnOrder/completes'],
  },
  'completion-uncorrelated': {
    what: 'the outcome has a correlation id of its own',
    failedBy: 'placeOrder/completes',
  },
  'completion-twice': { what: 'the outcome is told twice', failedBy: 'placeOrder/completes-once' },
  'success-before-effect': {
    what: 'success is told first and then worked for',
    failedBy: 'placeOrder/effect-before-success',
    // What is worked for after it was told is lost when the process dies in between: any request shortly before a kill.
    also: [
      'returnOrder/effect-before-success',
      'announceOrder/message-has-effect',
      ...lostAtKill.flatMap((check) => [`placeOrder/${check}`, `returnOrder/${check}`]),
    ],
  },
} as const satisfies Record<string, ParcelBugFacts>

export type ParcelBug = keyof typeof parcelBugs
