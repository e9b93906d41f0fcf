import type { ServiceComparison } from '../../comparison.ts'
import { reporter } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { AsyncPair } from './async-pair.ts'
import { messageDirection } from './async-pair.ts'
import { checkMessages } from './messages.ts'

export const replyRules = {
  'reply-removed': {
    area: 'message',
    level: 'breaking',
    law: 'who waits for a reply that is no longer promised waits until it gives up',
    why: 'The work may be done all the same, and then be done again.',
    fix: 'keep replying; say in `completion` how the outcome is told instead',
  },
  'reply-added': {
    area: 'message',
    level: 'minor',
    law: 'a reply where there was none offers something more',
    why: 'Nobody waited for it.',
    fix: 'nothing to do',
  },
  'reply-address-changed': {
    area: 'message',
    level: 'breaking',
    law: 'a reply that goes elsewhere does not reach who waits for it',
    why: 'The requester listens where the contract said, or put the address where the contract said.',
    fix: 'keep the address, or read it from the place where requesters put it',
  },
} as const satisfies Record<string, DiffRule>

/** What comes back: it goes the other way than the operation's messages. */
export function checkReply(pair: AsyncPair, comparison: ServiceComparison): void {
  const before = pair.base.reply
  const after = pair.revision.reply
  if (before === undefined && after === undefined) return
  const report = reporter(replyRules, comparison.changes, pair.subject)
  const where = { at: pair.revision.location, base: pair.base.location, place: 'reply' }
  if (after === undefined) return report('reply-removed', { ...where, message: 'there is no reply any more' })
  if (before === undefined) return report('reply-added', { ...where, message: 'there is a reply now' })
  const text = ({ channel, address }: typeof before): string => channel ?? address ?? 'an address in the request'
  const [old, now] = [`${text(before)} ${before.address ?? ''}`, `${text(after)} ${after.address ?? ''}`]
  if (old !== now) {
    report('reply-address-changed', {
      ...where,
      message: `the reply goes to \`${after.address ?? text(after)}\` now, and went to \`${before.address ?? text(before)}\``,
      before: old.trim(),
      after: now.trim(),
    })
  }
  const direction = messageDirection(pair) === 'sent' ? 'received' : 'sent'
  checkMessages({ base: before.messages, revision: after.messages, direction, what: 'reply' }, pair, comparison)
}
