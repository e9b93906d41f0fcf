import type { Difference } from '../../../accepts/types.ts'
import type { Message } from '../../../model/message.ts'
import type { Change } from '../../changes.ts'
import type { ServiceComparison } from '../../comparison.ts'
import { paired, reporter } from '../../comparison.ts'
import { breaksNobody } from '../../consumers.ts'
import type { Direction, DiffRule } from '../../model.ts'
import { mediaType } from '../request-body.ts'
import { checkLifecycle } from '../lifecycle.ts'
import { expressionText } from '../guarantees/guarantee-pair.ts'
import type { AsyncPair, MessagePair } from './async-pair.ts'

/** Which messages an operation has, and what they are. */
export const messageRules = {
  'message-removed': {
    area: 'message',
    level: 'breaking',
    bump: 'major',
    law: 'a message that is no longer sent is waited for in vain, and one that is no longer received is not handled',
    why: 'The other side goes on as before, and nothing fails. A receiver that stops listening does not break who sends an event, which expects nothing of who hears it: where all senders are known, and send it as that, it is a warning. A command, or a message with a completion or a reply, is waited for. After deprecation and sunset it was announced, and is only told.',
    fix: 'deprecate the message with `x-sunset`, and remove it after that day',
  },
  'message-added': {
    area: 'message',
    level: 'minor',
    strict: 'warning',
    law: 'one more kind of message offers something more',
    why: 'A receiver takes the types that it knows; one that takes whatever comes has to leave out the others.',
    fix: 'see that the receivers choose by type',
  },
  'message-type-changed': {
    area: 'message',
    level: 'breaking',
    law: 'a message by another type is another message to its receivers',
    why: 'The `name` is the CloudEvents `type`, which receivers choose by.',
    fix: 'keep the name; send the new message beside the old one',
  },
  'message-renamed': {
    area: 'message',
    level: 'warning',
    law: 'a new key of a message is a new name in generated code and in references to it',
    why: 'On the wire nothing changes, as the type is the same.',
    fix: 'keep the key',
  },
  'message-content-type-changed': {
    area: 'message',
    level: 'breaking',
    law: 'a message in another format is one that its readers cannot parse',
    why: 'Nothing on the other side chose the format.',
    fix: 'send the new format as a new message',
  },
  'message-intent-changed': {
    area: 'message',
    level: 'warning',
    law: 'a command that became an event is nobody’s work any more, and an event that became a command is somebody’s',
    why: 'A command has one receiver and a completion; an event may have many receivers, or none.',
    fix: 'add a message with the new intent',
  },
  'correlation-location-changed': {
    area: 'message',
    level: 'breaking',
    law: 'a correlation id that is in another place is not found where it is looked for',
    why: 'Replies and journeys are matched by it; without it every message begins a journey of its own.',
    fix: 'keep the id where it was; it may stand in both places',
  },
} as const satisfies Record<string, DiffRule>

/** Messages are known by their type; one with the old key and another type was changed, not replaced. */
function pairMessages(
  base: readonly Message[],
  revision: readonly Message[],
): { both: readonly MessagePair[]; removed: readonly Message[]; added: readonly Message[] } {
  const byType = paired(base, revision, ({ type }) => type)
  const byKey = paired(byType.removed, byType.added, ({ message }) => message)
  return {
    both: [...byType.both, ...byKey.both].map(([before, after]) => ({ base: before, revision: after })),
    removed: byKey.removed,
    added: byKey.added,
  }
}

export interface MessagesOf {
  readonly base: readonly Message[]
  readonly revision: readonly Message[]
  readonly direction: Direction
  /** `message`, or `reply` */
  readonly what: string
}

export function checkMessages(
  sides: MessagesOf,
  pair: AsyncPair,
  comparison: ServiceComparison,
): readonly MessagePair[] {
  const report = reporter(messageRules, comparison.changes, pair.subject)
  const { direction, what } = sides
  const { both, removed, added } = pairMessages(sides.base, sides.revision)
  for (const message of removed) {
    const { deprecated, sunset, type, location } = message
    const announced = deprecated && sunset !== undefined && comparison.today >= new Date(sunset)
    const how = direction === 'sent' ? 'sent' : 'received'
    const left = sides.what === 'message' && direction === 'received'
    const consumers = left
      ? comparison.landscape.leftBy(pair.service.revision.name, pair.base.channel, [type])
      : reliers(message, direction, pair, comparison)
    const mild = (left && breaksNobody(consumers)) || (deprecated && sunset === undefined)
    report('message-removed', {
      at: pair.revision.location,
      base: location,
      place: `${what} ${type}`,
      message: `the ${what} \`${message.message}\` is no longer ${how}${announced ? `, as announced for ${sunset}` : ''}`,
      direction,
      ...(announced ? { level: 'info' } : mild ? { level: 'warning' } : {}),
      consumers,
    })
  }
  for (const { message, type, location } of added) {
    report('message-added', {
      at: location,
      place: `${what} ${type}`,
      message: `the ${what} \`${message}\` is ${direction === 'sent' ? 'sent' : 'received'}, too`,
      direction,
    })
  }
  for (const one of both) checkMessage(one, sides, pair, comparison)
  return both
}

function checkMessage(pair: MessagePair, sides: MessagesOf, owner: AsyncPair, comparison: ServiceComparison): void {
  const { base, revision } = pair
  const { direction, what } = sides
  const report = reporter(messageRules, comparison.changes, owner.subject)
  const place = `${what} ${revision.message}`
  const where = { at: revision.location, base: base.location, place, direction }
  const told = (before: string, after: string) => ({ ...where, before, after, consumers: everybody() })
  const everybody = () => reliers(base, direction, owner, comparison)
  if (base.type !== revision.type) {
    const message = `the type of \`${revision.message}\` is \`${revision.type}\` now, and was \`${base.type}\``
    report('message-type-changed', { ...told(base.type, revision.type), message })
  }
  if (base.message !== revision.message) {
    const message = `\`${base.message}\` is called \`${revision.message}\` now`
    report('message-renamed', { ...told(base.message, revision.message), message })
  }
  if (mediaType(base.contentType) !== mediaType(revision.contentType)) {
    const message = `\`${revision.message}\` is \`${revision.contentType}\` now, and was \`${base.contentType}\``
    report('message-content-type-changed', { ...told(base.contentType, revision.contentType), message })
  }
  if (base.intent !== revision.intent && !comesOfTheReply(pair, sides, owner)) {
    const message = `\`${revision.message}\` is meant as ${revision.intent} now, and was as ${base.intent}`
    report('message-intent-changed', { ...told(base.intent, revision.intent), message })
  }
  correlation(pair, { ...where, consumers: everybody() }, owner, comparison)
  checkLifecycle(`the ${what} ${revision.message}`, base, revision, owner.subject, comparison)
  const consumers = (difference: Difference) => reliers(revision, direction, owner, comparison, difference)
  const use = { direction, subject: owner.subject, at: revision.location, base: base.location, consumers }
  comparison.schemas.compare(base.payload, revision.payload, { ...use, place })
  // Of headers no consumer's own schema is known: whoever has the message is told.
  const everyone = { ...use, consumers: everybody, place: `${place} headers` }
  comparison.schemas.compare(base.headers, revision.headers, everyone)
}

/** An operation with a reply has commands where nobody says otherwise: then the reply that came or went is the change. */
function comesOfTheReply({ base, revision }: MessagePair, { what }: MessagesOf, owner: AsyncPair): boolean {
  const [asked, asks] = [owner.base.reply !== undefined, owner.revision.reply !== undefined]
  const implied = (reply: boolean): Message['intent'] => (reply ? 'command' : 'event')
  return what === 'message' && asked !== asks && base.intent === implied(asked) && revision.intent === implied(asks)
}

function correlation(
  { base, revision }: MessagePair,
  where: Pick<Change, 'at' | 'base' | 'place' | 'consumers'>,
  owner: AsyncPair,
  comparison: ServiceComparison,
): void {
  const text = (one: Message): string | undefined => one.correlation && expressionText(one.correlation)
  const [before, after] = [text(base), text(revision)]
  if (before === after || before === undefined) return
  const message = `the correlation id of \`${revision.message}\` is ${after === undefined ? 'nowhere' : `at ${after}`} now, and was at ${before}`
  const change = { ...where, message, before, ...(after === undefined ? {} : { after }) }
  reporter(messageRules, comparison.changes, owner.subject)('correlation-location-changed', change)
}

/** Who reads what is sent, or sends what is read; judged by their own schemas where a schema changed. */
function reliers(
  message: Message,
  direction: Direction,
  pair: AsyncPair,
  comparison: ServiceComparison,
  difference?: Difference,
) {
  const { landscape } = comparison
  const { revision } = pair.service
  const judged = difference && { payload: message.payload, by: revision, difference }
  return direction === 'sent'
    ? landscape.readers(revision.name, message.message, judged)
    : landscape.senders(revision.name, pair.base.channel, message.type, judged)
}
