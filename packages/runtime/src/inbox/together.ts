/** Waits for statements that were issued one behind the other. */
import { isVictim } from './failure.ts'

/**
 * Resolves when all have settled. Where some failed, the error is that of the first which is not merely the victim of
 * another's failure in the same transaction.
 */
export async function together<const P extends readonly unknown[]>(
  promises: P,
): Promise<{ -readonly [I in keyof P]: Awaited<P[I]> }> {
  const settled = await Promise.allSettled(promises)
  const errors = settled.filter((result) => result.status === 'rejected').map(({ reason }): unknown => reason)
  if (errors.length > 0) throw errors.find((error) => !isVictim(error)) ?? errors[0]
  return settled.map((result) => (result as PromiseFulfilledResult<unknown>).value) as {
    -readonly [I in keyof P]: Awaited<P[I]>
  }
}
