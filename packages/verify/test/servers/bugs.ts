/**
 * Defects of the order server, one at a time. `failedBy` is the check named for it; `also` lists every further finding,
 * each of which is true of that bug.
 */
export interface Bug {
  readonly what: string
  /** `operation/check` */
  readonly failedBy: string
  readonly also?: readonly string[]
  /** whose keys those of refunds are there; default `global` */
  readonly refundScope?: 'tenant' | 'shop'
  /** the same fault of the server, under another contract */
  readonly bug?: string
}

const everyRepeat = (operation: string): string[] =>
  [
    'sequential',
    'simultaneous',
    'late-overlap',
    'replayed-answer',
    'instances',
    'mismatch',
    'client-abort',
    'kept',
  ].map((check) => `${operation}/${check}`)

const overlaps = (operation: string): string[] =>
  ['simultaneous', 'instances', 'client-abort'].map((check) => `${operation}/${check}`)

export const bugs = {
  'key-ignored': {
    what: 'the key is not looked at',
    failedBy: 'placeOrder/sequential',
    also: [
      ...everyRepeat('placeOrder'),
      ...everyRepeat('requestRefund'),
      'requestRefund/other-caller',
      'placeOrder/reformatted',
      'requestRefund/reformatted',
    ],
  },
  'key-forgotten-on-replay': {
    what: 'the key is dropped when it is replayed, so every other copy places an order',
    failedBy: 'placeOrder/sequential',
    // The answer to that other copy is one of its own; refunds are made alike.
    also: ['placeOrder/replayed-answer', 'requestRefund/sequential', 'requestRefund/replayed-answer'],
  },
  'check-then-act': {
    what: 'the key is looked for first and written last, so copies at once all find nothing',
    failedBy: 'placeOrder/simultaneous',
    also: [
      'placeOrder/late-overlap',
      'requestRefund/simultaneous',
      'requestRefund/late-overlap',
      'placeOrder/instances',
      'requestRefund/instances',
      // A client that went and asks again before the first is done.
      'placeOrder/client-abort',
      'requestRefund/client-abort',
    ],
  },
  'effect-outside-transaction': {
    what: 'the order is written before the card is charged, and stays when that fails, without its key',
    failedBy: 'placeOrder/transient-failure',
    // On a slow machine the card may be too late on a good day, too, and the copy places a second order.
    also: [
      'sequential',
      'simultaneous',
      'late-overlap',
      'instances',
      'mismatch',
      'reformatted',
      'client-abort',
      'kept',
    ].map((check) => `placeOrder/${check}`),
  },
  'suppressed-before-done': {
    what: 'the key is done before the work is; when the work fails the copy gets an answer and no order',
    failedBy: 'placeOrder/transient-failure',
    // Copies at once get the answer that was made up beforehand, and another than the first.
    also: ['simultaneous', 'late-overlap', 'instances'].flatMap((check) => [
      `placeOrder/${check}`,
      `requestRefund/${check}`,
    ]),
  },
  'no-fingerprint': {
    what: 'another body with the same key gets the first answer',
    failedBy: 'placeOrder/mismatch',
    also: ['requestRefund/mismatch'],
  },
  'fingerprint-shallow': {
    what: 'the fingerprint leaves out what is nested in the body',
    failedBy: 'placeOrder/mismatch',
  },
  'fingerprint-sorts-lists': {
    what: 'the fingerprint does not see the order of a list',
    failedBy: 'placeOrder/mismatch',
  },
  'raw-fingerprint': {
    what: 'the bytes of the body are compared, so other spaces make another request of it',
    failedBy: 'placeOrder/reformatted',
    also: ['requestRefund/reformatted'],
  },
  'scope-over-operations': {
    what: 'one space of keys for all operations',
    failedBy: 'placeOrder/other-operation',
    also: ['requestRefund/other-operation', 'requestRefund/other-caller'],
  },
  'scope-over-callers': {
    what: 'one space of keys for all callers, where each should have its own',
    failedBy: 'placeOrder/other-caller',
  },
  'scope-too-narrow': {
    what: 'keys are kept by caller, where they should be shared',
    failedBy: 'requestRefund/other-caller',
  },
  'scope-too-wide': {
    what: 'keys are shared by all tenants, where each tenant should have its own',
    failedBy: 'requestRefund/other-scope',
    refundScope: 'tenant',
  },
  'tenant-too-narrow': {
    what: 'keys are kept by caller, where all of a tenant should share them',
    failedBy: 'requestRefund/other-caller',
    refundScope: 'tenant',
    bug: 'scope-too-narrow',
  },
  'shop-ignored': {
    what: 'keys are shared by all shops, where `scope.by` names the shop',
    failedBy: 'requestRefund/other-scope',
    refundScope: 'shop',
    bug: 'scope-too-wide',
  },
  'shop-too-narrow': {
    what: 'keys are kept by caller, where all that name one shop should share them',
    failedBy: 'requestRefund/other-caller',
    // One caller with two shops has one space of keys.
    also: ['requestRefund/other-scope'],
    refundScope: 'shop',
    bug: 'scope-too-narrow',
  },
  'failure-remembered': {
    what: 'a 503 is remembered for ever',
    failedBy: 'placeOrder/transient-failure',
  },
  'short-lease': {
    what: 'the claim of a key ends before the handler does',
    failedBy: 'placeOrder/late-overlap',
    // On a slow machine copies that left together arrive further apart than the lease is long.
    also: ['requestRefund/late-overlap', ...overlaps('placeOrder'), ...overlaps('requestRefund')],
  },
  'key-lost-on-abort': {
    what: 'when the client goes the key is dropped, and the work goes on',
    failedBy: 'placeOrder/client-abort',
    also: ['requestRefund/client-abort'],
  },
  'replay-differs': {
    what: 'a replay has another body than the first answer',
    failedBy: 'placeOrder/replayed-answer',
    // What it says instead is not what is declared either.
    also: ['requestRefund/replayed-answer', 'placeOrder/declared-shape'],
  },
  'replay-loses-header': {
    what: 'a replay has no Location',
    failedBy: 'placeOrder/replayed-answer',
  },
  'keys-per-process': {
    what: 'each instance has its own keys',
    failedBy: 'placeOrder/instances',
    also: ['requestRefund/instances'],
  },
  'key-expires-early': {
    what: 'keys are kept for 0.3 s instead of a day',
    failedBy: 'placeOrder/kept',
    // On a slow machine any second request may come after that.
    also: [
      ...everyRepeat('placeOrder'),
      ...everyRepeat('requestRefund'),
      'placeOrder/reformatted',
      'requestRefund/reformatted',
      'requestRefund/other-caller',
    ],
  },
  'retention-short': {
    what: 'a key is forgotten after four fifths of its retention',
    failedBy: 'placeOrder/until-retention',
    also: ['requestRefund/until-retention'],
  },
  'expired-key-stuck': {
    what: 'a key whose retention has ended is "still running" for ever',
    failedBy: 'placeOrder/after-retention',
    also: ['requestRefund/after-retention'],
  },
  'expired-key-lost': {
    what: 'when its retention has ended a request is answered as a new one, and nothing is written',
    failedBy: 'placeOrder/after-retention',
    also: ['requestRefund/after-retention'],
  },
  'key-optional': {
    what: 'a request without a key is accepted where one is required',
    failedBy: 'placeOrder/missing-key',
    also: ['requestRefund/missing-key'],
  },
  'overlap-fails': {
    what: 'a copy that overlaps is answered 500',
    failedBy: 'placeOrder/overlap-answer',
    also: ['requestRefund/overlap-answer'],
  },
  'overlap-without-retry-after': {
    what: 'the 409 does not say when to come again',
    failedBy: 'placeOrder/overlap-answer',
    also: ['requestRefund/overlap-answer'],
  },
  'refusal-with-effect': {
    what: 'the order is written before the thing is looked up, and stays after the 404',
    failedBy: 'placeOrder/refusal-effect',
  },
  'put-adds': {
    what: 'PUT adds a note instead of replacing it',
    failedBy: 'writeNote/natural-repeat',
    also: ['writeNote/natural-overlap'],
  },
  'put-races': {
    what: 'PUT looks for a note and adds one, without holding anything',
    failedBy: 'writeNote/natural-overlap',
  },
  'late-duplicate': {
    what: 'a copy that comes a fifth of a second after the first is answered, and carried out again a moment later',
    failedBy: 'placeOrder/kept',
    // On a slow machine any second request may come after that.
    also: [
      ...everyRepeat('placeOrder'),
      ...everyRepeat('requestRefund'),
      'placeOrder/reformatted',
      'requestRefund/reformatted',
      'requestRefund/other-caller',
    ],
  },
  'malformed-crashes': { what: 'a body that is no JSON is answered 500', failedBy: 'placeOrder/invalid-input' },
  'malformed-shows-stack': {
    what: 'a body that is no JSON is answered with a page that shows the stack, as Express does by itself',
    failedBy: 'placeOrder/stack-trace',
  },
  'accepts-invalid': { what: 'the quantity is not checked', failedBy: 'placeOrder/invalid-input' },
  'answer-without-id': {
    what: 'the order that was placed has another form than the one declared',
    failedBy: 'placeOrder/declared-shape',
  },
  'unavailable-without-retry-after': {
    what: 'the 503 does not say when to come again, and its declaration does',
    failedBy: 'placeOrder/retry-after',
  },
  'stack-trace': { what: 'the 404 shows a stack trace', failedBy: 'placeOrder/stack-trace' },
  'undeclared-status': { what: 'an unknown thing is answered 418', failedBy: 'placeOrder/declared-status' },
  hangs: { what: 'the card is waited for without a limit', failedBy: 'placeOrder/timeout' },
  'correlation-lost': {
    what: 'the correlation id does not come back with errors',
    failedBy: 'requestRefund/correlation',
  },
  'deprecation-silent': {
    what: 'no answer says that the operation is deprecated',
    failedBy: 'requestRefund/deprecation',
  },
} as const satisfies Record<string, Bug>

export type BugName = keyof typeof bugs
