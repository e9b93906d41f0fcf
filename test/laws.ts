/**
 * The ten laws (AGENTS.md and the design name them), and the tests that hold each. run-laws.ts
 * runs them on the servers we say we support.
 */
export interface Law {
  law: number
  says: string
  files: readonly string[]
}

const runtime = (...names: string[]): string[] => names.map((name) => `packages/runtime/src/${name}.pg.test.ts`)

export const laws: readonly Law[] = [
  {
    law: 1,
    says: 'a committed send reaches every subscription, at least once; a rolled-back one never',
    files: runtime(
      'outbox/outbox',
      'outbox/buffer',
      'outbox/relay',
      'outbox/relay-laws',
      'outbox/relay-restart',
      'outbox/direct-publish',
      'inbox/lost-partition',
      'transport/postgres/postgres-transport',
    ),
  },
  {
    law: 2,
    says: 'nothing is sent or called inside a transaction; rows go only after the confirmation',
    files: runtime('outbox/relay', 'outbox/relay-laws', 'operations/before', 'inbox/external'),
  },
  {
    law: 3,
    says: 'settled only after the commit, once',
    files: runtime('inbox/crash', 'inbox/consumer', 'inbox/mutants', 'push/push'),
  },
  {
    law: 4,
    says: 'key record, effect and messages commit together; only a done key suppresses',
    files: runtime(
      'inbox/crash',
      'inbox/shared-transaction',
      'inbox/intents',
      'operations/transaction',
      'operations/crash',
      'operations/unknown-commit',
      'database/database',
      'database/libraries',
    ),
  },
  {
    law: 5,
    says: 'a second copy never runs beside the first, and is not dropped before the first is done',
    files: runtime('operations/overlap', 'operations/operations', 'operations/expiry', 'inbox/external'),
  },
  {
    law: 6,
    says: 'same key, different payload: refused and visible',
    files: runtime('inbox/intents', 'operations/operations'),
  },
  {
    law: 7,
    says: 'one message of a key at a time, in order, over all replicas, retries included',
    files: runtime(
      'inbox/held',
      'inbox/isolation',
      'inbox/ownership',
      'inbox/stop',
      'inbox/alone',
      'inbox/crash',
      'outbox/relay-order',
      'outbox/relay-laws',
      'push/push',
    ),
  },
  {
    law: 8,
    says: 'shutdown and outage consume no attempts and make no dead letters',
    files: runtime('inbox/consumer', 'inbox/held', 'inbox/silent-connection', 'service/create-service', 'push/push'),
  },
  {
    law: 9,
    says: 'each message is on its way, held, handled, suppressed or discarded; anyone can run the query',
    files: ['examples/shop/src/audit/audit.pg.test.ts', ...runtime('inbox/dead-copy', 'inbox/lost-partition')],
  },
  {
    law: 10,
    says: 'nothing is silent',
    files: runtime('inbox/replay', 'inbox/intents', 'inbox/held', 'operations/operations'),
  },
]

/** What the laws stand on. */
export const foundations: readonly string[] = runtime('schema/migrate', 'outbox/relay-plans', 'transport/observe')

export const lawFiles: readonly string[] = [...new Set([...laws.flatMap(({ files }) => files), ...foundations])]
