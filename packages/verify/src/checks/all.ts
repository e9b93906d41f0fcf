import {
  answersInTime,
  correlationReturned,
  deprecationTold,
  invalidInputRefused,
  noStackTrace,
  refusalHasNoEffect,
  retryAfterTold,
  shapeDeclared,
  statusDeclared,
} from './answers.ts'
import type { Check } from './check.ts'
import {
  mismatchRefused,
  missingKeyRefused,
  otherCallerApart,
  otherOperationApart,
  otherScopeApart,
  reformattedSame,
} from './key-use.ts'
import {
  instancesAgree,
  keptKeys,
  lateOverlap,
  naturalOverlap,
  naturalRepeat,
  overlapAnswer,
  replayedAnswer,
  sequential,
  simultaneous,
} from './repeats.ts'
import { knownUntilRetention, wholeAfterRetention } from './retention.ts'
import { clientAbortKept, crashKept, transientFailureForgotten } from './trouble.ts'

/** In the order of reports. */
export const checks: readonly Check[] = [
  sequential,
  simultaneous,
  lateOverlap,
  overlapAnswer,
  replayedAnswer,
  instancesAgree,
  mismatchRefused,
  reformattedSame,
  otherOperationApart,
  otherCallerApart,
  otherScopeApart,
  missingKeyRefused,
  clientAbortKept,
  transientFailureForgotten,
  crashKept,
  keptKeys,
  knownUntilRetention,
  wholeAfterRetention,
  naturalRepeat,
  naturalOverlap,
  refusalHasNoEffect,
  invalidInputRefused,
  statusDeclared,
  shapeDeclared,
  retryAfterTold,
  noStackTrace,
  answersInTime,
  correlationReturned,
  deprecationTold,
]
