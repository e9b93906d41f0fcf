import { createAccepts } from '../../../accepts/accepts.ts'
import type { Message } from '../../../model/message.ts'
import { optional } from '../../../model/optional.ts'
import type { Service } from '../../../model/system.ts'
import type { ServiceComparison } from '../../comparison.ts'
import { reporter } from '../../comparison.ts'
import { duration } from '../../duration-text.ts'
import type { DiffRule } from '../../model.ts'
import type { AsyncPair, MessagePair } from './async-pair.ts'

/** Messages outlive the version that wrote them. */
export const storedMessageRules = {
  'stored-messages-unreadable': {
    area: 'message',
    level: 'breaking',
    law: 'what broker, outbox and dead letters still hold is refused by the version that comes to handle it',
    why: 'Even where every sender changes in the same moment, its old messages are there until their retention ends: in the broker, in the outbox, and longest as dead letters that are replayed.',
    fix: 'read both forms until the retention has passed, or give the new form a message of its own',
  },
} as const satisfies Record<string, DiffRule>

/**
 * The reader is the new receive; the writers are those who sent before, or, where spandrel.yaml knows none, whatever
 * the old receive accepted.
 */
export function checkStoredMessages(
  pair: AsyncPair,
  messages: readonly MessagePair[],
  comparison: ServiceComparison,
): void {
  if (pair.revision.kind !== 'receive') return
  const report = reporter(storedMessageRules, comparison.changes, pair.subject)
  for (const { base, revision } of messages) {
    if (comparison.schemas.unchanged(base.payload, revision.payload)) continue
    // Of what is not read nothing is known, and that is told of the payload itself.
    if (revision.payload.unread !== undefined) continue
    const rejected = writersOf(base, pair, comparison).flatMap(({ message, by }) => {
      if (message.payload.unread !== undefined) return []
      const accepts = createAccepts({
        policy: comparison.policy,
        readerSchemas: pair.service.revision.schemas,
        writerSchemas: by.schemas,
      })
      const { differences } = accepts(revision.payload.schema, message.payload.schema)
      return differences.flatMap((one) => (one.answer === 'no' ? [{ ...one, by }] : []))
    })
    const [first] = rejected
    if (first === undefined) continue
    const held = holding(pair, comparison)
    const sender = first.by.name === pair.service.base.name ? 'were' : `${first.by.name} has`
    report('stored-messages-unreadable', {
      at: revision.payload.location,
      base: base.payload.location,
      place: `stored ${revision.message}${first.path}`,
      message: `\`${revision.message}\` messages that ${sender} sent already are refused (\`${first.keyword}\` at \`${first.path === '' ? '/' : first.path}\`); ${held}`,
      direction: 'received',
      witness: JSON.stringify(first.witness),
      // It is the receiver that fails: with what it is handed, and again with every dead letter that is replayed.
      consumers: [
        {
          service: pair.subject.service,
          ...optional('owner', pair.subject.owner),
          through: pair.subject.ref,
          broken: 'yes',
          because: `${pair.subject.ref} refuses what it is handed, and what is replayed to it`,
        },
      ],
    })
  }
}

function writersOf(
  base: Message,
  pair: AsyncPair,
  { base: side }: ServiceComparison,
): readonly { readonly message: Message; readonly by: Service }[] {
  const found = Object.values(side.system.services).flatMap((by) =>
    Object.values(by.sends)
      .filter(({ channel }) => channel === pair.base.channel)
      .flatMap(({ messages }) => messages.filter(({ type }) => type === base.type).map((message) => ({ message, by }))),
  )
  return found.length > 0 ? found : [{ message: base, by: pair.service.base }]
}

/** Where an old message can still be, and for how long. */
function holding(pair: AsyncPair, { base }: ServiceComparison): string {
  const broker = base.system.channels[pair.base.channel]?.retentionMs
  const { deadLetter } = pair.base.guarantees.values
  const places = [
    broker === undefined
      ? 'the broker holds them for as long as it is set to'
      : `the broker holds them for ${duration(broker)}`,
    ...(deadLetter === 'none' || deadLetter.replay === 'never'
      ? []
      : [`dead letters for ${duration(deadLetter.retentionMs)}`]),
  ]
  return places.join(', ')
}
