import type { Comparison } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import { checkCompletion, completionRules } from './completion.ts'
import { checkCorrelation, correlationRules } from './correlation.ts'
import { checkDeadLetter, deadLetterRules } from './dead-letter.ts'
import { checkDelivery, deliveryRules } from './delivery.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { checkIdempotency, idempotencyRules } from './idempotency.ts'
import { checkOrdering, orderingRules } from './ordering.ts'
import { checkPush, pushRules } from './push.ts'
import { checkRetry, retryRules } from './retry.ts'
import { checkTimeout, timeoutRules } from './timeout.ts'

/** Weakening a guarantee is breaking, strengthening it is minor. */
export const guaranteeRules: Readonly<Record<string, DiffRule>> = {
  ...idempotencyRules,
  ...deliveryRules,
  ...orderingRules,
  ...timeoutRules,
  ...retryRules,
  ...deadLetterRules,
  ...completionRules,
  ...pushRules,
  ...correlationRules,
}

/** Every member of x-guarantees. */
export function checkGuarantees(pair: GuaranteePair, comparison: Comparison): void {
  checkIdempotency(pair, comparison)
  checkDelivery(pair, comparison)
  checkOrdering(pair, comparison)
  checkTimeout(pair, comparison)
  checkRetry(pair, comparison)
  checkDeadLetter(pair, comparison)
  checkCompletion(pair, comparison)
  checkPush(pair, comparison)
  checkCorrelation(pair, comparison)
}
