import type { HttpOperation, RetryGuarantee } from '@spandrel/contract'

/** How often a request of one operation may be sent. Whether a copy of it is harmless is another question. */
export interface RetryRule {
  /** in all, the first included */
  readonly attempts: number
  /** undefined: nothing but a broken exchange is tried again, and at once */
  readonly declared: RetryGuarantee | undefined
}

/**
 * The contract's `retry`. Where it says nothing, a request whose exchange broke before an answer is sent once more:
 * services close idle connections while a request is on its way, and nobody is to blame. `retry: none` is an answer.
 */
export function retryRuleOf({ guarantees: { values, declared } }: HttpOperation): RetryRule {
  if (values.retry !== 'none') return { attempts: values.retry.attempts, declared: values.retry }
  return { attempts: declared.retry === undefined ? 2 : 1, declared: undefined }
}
