import { canonicalModel } from './canonical-model.ts'
import { compensationExists } from './compensation-exists.ts'
import { compensationIsIdempotent } from './compensation-is-idempotent.ts'
import { completionIsReachable } from './completion-is-reachable.ts'
import { consumerIsSatisfied } from './consumer-is-satisfied.ts'
import { correlationIsCarried } from './correlation-is-carried.ts'
import { crudForcesNPlus1 } from './crud-forces-n-plus-1.ts'
import { deliveryMeetsCompletion } from './delivery-meets-completion.ts'
import { deviationEnds } from './deviation-ends.ts'
import { deviationHasReason } from './deviation-has-reason.ts'
import { dualWriteRisk } from './dual-write-risk.ts'
import { errorsAreProblems } from './errors-are-problems.ts'
import { exampleFitsSchema } from './example-fits-schema.ts'
import { integrationHasOwner } from './integration-has-owner.ts'
import { logDrivenIntegration } from './log-driven-integration.ts'
import { noSecrets } from './no-secrets.ts'
import { orderingKeyIsSent } from './ordering-key-is-sent.ts'
import { orderingSurvivesRetry } from './ordering-survives-retry.ts'
import { pollWithoutPush } from './poll-without-push.ts'
import { processHasOwner } from './process-has-owner.ts'
import { receiveWithoutFailureHandling } from './receive-without-failure-handling.ts'
import { requiredClientLibrary } from './required-client-library.ts'
import { retentionCoversCallerRetry } from './retention-covers-caller-retry.ts'
import { retentionCoversRedelivery } from './retention-covers-redelivery.ts'
import { retryNeedsIdempotency } from './retry-needs-idempotency.ts'
import { rpcCycle } from './rpc-cycle.ts'
import type { Rule } from './rule.ts'
import { acknowledgementExpired, acknowledgementUnused, unknownRule } from './settings-rules.ts'
import { syncChain } from './sync-chain.ts'
import { timeoutCanHold } from './timeout-can-hold.ts'
import { undeclaredUse } from './undeclared-use.ts'
import { undeclaredWorkflow } from './undeclared-workflow.ts'
import { unsafeWithoutIdempotency } from './unsafe-without-idempotency.ts'

/** Every rule, by area. docs/rules has a page for each, and test/fixtures/rules a pair; a test holds them together. */
export const rules: readonly Rule[] = [
  unsafeWithoutIdempotency,
  retryNeedsIdempotency,
  retentionCoversRedelivery,
  retentionCoversCallerRetry,
  deliveryMeetsCompletion,
  dualWriteRisk,
  orderingKeyIsSent,
  orderingSurvivesRetry,
  receiveWithoutFailureHandling,
  errorsAreProblems,
  completionIsReachable,
  compensationExists,
  compensationIsIdempotent,
  syncChain,
  rpcCycle,
  timeoutCanHold,
  pollWithoutPush,
  crudForcesNPlus1,
  canonicalModel,
  requiredClientLibrary,
  logDrivenIntegration,
  integrationHasOwner,
  processHasOwner,
  deviationHasReason,
  deviationEnds,
  undeclaredUse,
  undeclaredWorkflow,
  consumerIsSatisfied,
  exampleFitsSchema,
  noSecrets,
  correlationIsCarried,
  acknowledgementExpired,
  acknowledgementUnused,
  unknownRule,
]
