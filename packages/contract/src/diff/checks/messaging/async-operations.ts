import type { SourceLocation } from '../../../model/location.ts'
import type { ServiceComparison } from '../../comparison.ts'
import { paired, reporter } from '../../comparison.ts'
import { breaksNobody } from '../../consumers.ts'
import type { Subject } from '../../changes.ts'
import type { DiffRule } from '../../model.ts'
import { operationRules } from '../operations.ts'
import { checkRemoval } from '../removal.ts'
import type { AsyncOperation } from './async-pair.ts'
import { asyncLabel, onTheWire } from './async-pair.ts'

/** Which sends and receives there are, and where. */
export const asyncOperationRules = {
  'action-changed': {
    area: 'message',
    level: 'breaking',
    law: 'an application that sends what it received, or receives what it sent, leaves the other side alone',
    why: 'Two applications that both send, or both receive, have no integration.',
    fix: 'add an operation with the other action, and deprecate this one',
  },
  'channel-address-changed': {
    area: 'message',
    level: 'breaking',
    law: 'messages go to, or are awaited at, an address where the other side is not',
    why: 'A send and a receive meet at an address. Nothing fails: the messages are only never handled.',
    fix: 'use both addresses until the other side has moved',
  },
  'effects-became-external': {
    area: 'message',
    level: 'warning',
    law: 'an effect outside the transaction may take place more than once',
    why: '`x-effects: external` means that the handler acts before its result is committed, at least once and with the same key. Whether what it calls suppresses a second time, the contract does not tell.',
    fix: 'give the key to what is called, and see that it suppresses',
  },
  'effects-became-transactional': {
    area: 'message',
    level: 'minor',
    law: 'an effect that is the transaction takes place once',
    why: 'Key and effect are committed together.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export interface AsyncSides {
  readonly base: readonly AsyncOperation[]
  readonly revision: readonly AsyncOperation[]
  readonly at: SourceLocation
  readonly subject: (operation: AsyncOperation) => Subject
}

/** Operations have a key in their document; one with another key, but the same address and messages, was renamed. */
export function checkAsyncOperations(
  { base, revision, at, subject }: AsyncSides,
  comparison: ServiceComparison,
): readonly (readonly [AsyncOperation, AsyncOperation])[] {
  const { both, removed, added } = paired(base, revision, ({ operation }) => operation)
  const pairs = [...both]
  const renamed = new Set<AsyncOperation>()
  for (const before of removed) {
    const after = added.find((one) => !renamed.has(one) && wire(one) === wire(before))
    if (after === undefined) {
      const whose = left(before, subject(before), comparison)
      const mild = before.kind === 'receive' && breaksNobody(whose.consumers ?? [])
      checkRemoval(`the ${asyncLabel(before)} (\`${before.operation}\`)`, before, at, whose, comparison, mild)
      continue
    }
    renamed.add(after)
    pairs.push([before, after])
    reporter(
      operationRules,
      comparison.changes,
      subject(before),
    )('operation-id-changed', {
      at: after.location,
      base: before.location,
      place: 'operation',
      message: `the ${asyncLabel(after)} is called \`${after.operation}\` now, and was \`${before.operation}\``,
      before: before.operation,
      after: after.operation,
    })
  }
  for (const one of added.filter((operation) => !renamed.has(operation))) {
    reporter(
      operationRules,
      comparison.changes,
      subject(one),
    )('operation-added', {
      at: one.location,
      place: 'operation',
      message: `the ${asyncLabel(one)} (\`${one.operation}\`) is new`,
    })
  }
  return pairs.filter((pair) => sameEdge(pair, subject(pair[0]), comparison))
}

function wire({ kind, channel, messages }: AsyncOperation): string {
  return JSON.stringify([kind, onTheWire(channel), messages.map(({ type }) => type).sort()])
}

/** Of a receiver that goes: its senders are told by whether they wait for what comes of it. */
function left({ kind, channel, messages }: AsyncOperation, subject: Subject, comparison: ServiceComparison): Subject {
  if (kind === 'send') return subject
  const types = messages.map(({ type }) => type)
  return { ...subject, consumers: comparison.landscape.leftBy(subject.service, channel, types) }
}

/** Whether the rest can be compared: of another action every direction is turned round. */
function sameEdge(
  [before, after]: readonly [AsyncOperation, AsyncOperation],
  subject: Subject,
  comparison: ServiceComparison,
): boolean {
  const report = reporter(asyncOperationRules, comparison.changes, left(before, subject, comparison))
  const where = { at: after.location, base: before.location }
  if (onTheWire(before.channel) !== onTheWire(after.channel)) {
    report('channel-address-changed', {
      ...where,
      place: 'channel',
      message: `its address is \`${after.channel}\` now, and was \`${before.channel}\``,
      before: before.channel,
      after: after.channel,
    })
  }
  if (before.kind === 'receive' && after.kind === 'receive' && before.effects !== after.effects) {
    report(after.effects === 'external' ? 'effects-became-external' : 'effects-became-transactional', {
      ...where,
      place: 'x-effects',
      message: `its effects are ${said(after.effects)} now, and were ${said(before.effects)}`,
      before: before.effects,
      after: after.effects,
    })
  }
  if (before.kind === after.kind) return true
  report('action-changed', {
    ...where,
    place: 'action',
    message: `it is a ${after.kind} now, and was a ${before.kind}`,
    before: before.kind,
    after: after.kind,
  })
  return false
}

function said(effects: 'transaction' | 'external'): string {
  return effects === 'external' ? 'outside its transaction' : 'its transaction'
}
