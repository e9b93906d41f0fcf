/**
 * A transaction of postgres.js fails with any statement in it that failed. A handler may have healed that, or answered
 * with a refusal that is to be remembered. So its statements go through a nested scope, which never ends.
 */
export function scoped<Tx>(
  tx: Tx,
  nested: (use: (lent: Tx) => Promise<never>) => Promise<unknown>,
  work: (tx: Tx, lent: Tx) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    nested((lent) => {
      work(tx, lent).then(resolve, reject)
      return new Promise(() => {})
    }).catch(reject)
  })
}
