import type { Service, System } from '../../model/system.ts'
import type { Comparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import { duration } from '../duration-text.ts'
import type { DiffRule } from '../model.ts'
import { expressionText } from './guarantees/guarantee-pair.ts'

/** What spandrel.yaml itself says. */
export const systemRules = {
  'service-removed': {
    area: 'system',
    level: 'breaking',
    law: 'a service that is gone is gone for all who call it or wait for its messages',
    why: 'It may only have moved to another system: then include its spandrel.yaml.',
    fix: 'deprecate its operations first; include its file where it has moved',
  },
  'service-added': {
    area: 'system',
    level: 'minor',
    law: 'a new service offers something more',
    why: 'Nobody relied on it.',
    fix: 'nothing to do',
  },
  'service-owner-changed': {
    area: 'system',
    level: 'info',
    law: 'another team answers for the service now',
    why: 'People ask somebody else.',
    fix: 'tell its users',
  },
  'key-keeper-changed': {
    area: 'system',
    level: 'warning',
    law: 'keys that a gateway keeps are not committed with the effect',
    why: 'On the runtime, key and effect are one transaction. At a gateway that dies between the two, a retry takes effect again.',
    fix: 'keep `keys: service`, or make the effect itself safe to repeat',
  },
  'use-added': {
    area: 'system',
    level: 'info',
    law: 'a service relies on one more operation of another',
    why: 'Its availability now depends on that one, too.',
    fix: 'nothing to do',
  },
  'use-removed': {
    area: 'system',
    level: 'info',
    law: 'a service relies on one operation less',
    why: 'The provider may change it more freely.',
    fix: 'nothing to do',
  },
  'channel-retention-shortened': {
    area: 'system',
    level: 'breaking',
    law: 'a consumer that was away for as long as it was allowed to misses messages',
    why: 'Before, it could be stopped, or be new, and still read what was kept.',
    fix: 'keep the retention',
  },
  'channel-size-lowered': {
    area: 'system',
    level: 'breaking',
    law: 'a message that was small enough is too large now',
    why: 'It fails where it is sent, in the sender’s transaction.',
    fix: 'keep the limit; shrink the messages first',
  },
  'channel-partitions-changed': {
    area: 'system',
    level: 'warning',
    law: 'with other partitions a key moves, and its messages before and after the change may meet out of order',
    why: 'Until the old partition is drained, two consumers can have messages of one key.',
    fix: 'stop the senders until the channel is empty, then change it',
  },
  'transport-changed': {
    area: 'system',
    level: 'warning',
    law: 'messages that are under way on one transport do not come out of another',
    why: 'What the old one still holds has to be read there.',
    fix: 'let the consumers drain the old transport before the senders leave it',
  },
  'caller-identity-changed': {
    area: 'system',
    level: 'breaking',
    law: 'a caller by another name has other keys, so its retries are new requests',
    why: 'Keys with `scope: caller` are remembered by the name that the gateway gives a caller.',
    fix: 'keep the identity; change it when no retries are under way',
  },
  'workflow-removed': {
    area: 'system',
    level: 'warning',
    law: 'a process that nobody names is nobody’s',
    why: 'Its steps are still there, and nothing says any more that they belong together.',
    fix: 'keep the workflow and its owner for as long as its steps exist',
  },
} as const satisfies Record<string, DiffRule>

export function checkSystem(comparison: Comparison): void {
  const base = comparison.base.system
  const revision = comparison.revision.system
  const whole: Subject = { service: revision.name, ref: revision.name, label: 'spandrel.yaml' }
  services(base, revision, comparison)
  channels(base, revision, whole, comparison)
  const report = reporter(systemRules, comparison.changes, whole)
  if (base.transport.text !== revision.transport.text) {
    const [before, after] = [base.transport.text, revision.transport.text]
    const message = `the transport is \`${after}\` now, and was \`${before}\``
    const where = { at: revision.transport.location, base: base.transport.location }
    report('transport-changed', { ...where, place: 'transport', message, before, after })
  }
  const caller = (system: System): string | undefined => system.gateway?.caller && expressionText(system.gateway.caller)
  const [old, now] = [caller(base), caller(revision)]
  if (old !== now && revision.gateway !== undefined && base.gateway !== undefined) {
    const said = (text: string | undefined): string => text ?? 'what the contracts’ security says'
    const message = `a caller is known by ${said(now)} now, and was by ${said(old)}`
    report('caller-identity-changed', {
      at: revision.gateway.location,
      place: 'gateway caller',
      message,
      before: old,
      after: now,
    })
  }
  for (const one of paired(Object.values(base.workflows), Object.values(revision.workflows), ({ name }) => name)
    .removed) {
    const message = `the workflow \`${one.name}\` is gone`
    report('workflow-removed', { at: revision.location, base: one.location, place: `workflow ${one.name}`, message })
  }
}

function services(base: System, revision: System, comparison: Comparison): void {
  const { changes, landscape } = comparison
  const sides = paired(Object.values(base.services), Object.values(revision.services), ({ name }) => name)
  const subject = ({ name, owner }: Service): Subject => ({ service: name, owner, ref: name, label: name })
  for (const one of sides.removed) {
    const consumers = base.integrations
      .filter(({ provider, consumer }) => provider === one.name && consumer !== one.name)
      .map(({ consumer, ref }) => ({
        service: consumer,
        ...(landscape.ownerOf(consumer) === undefined ? {} : { owner: landscape.ownerOf(consumer) as string }),
        through: ref,
        broken: 'yes' as const,
        because: `relies on ${ref}`,
      }))
    reporter(
      systemRules,
      changes,
      subject(one),
    )('service-removed', {
      at: revision.location,
      base: one.location,
      place: 'service',
      message: `the service \`${one.name}\` is gone`,
      consumers,
    })
  }
  for (const one of sides.added) {
    const message = `the service \`${one.name}\` is new`
    reporter(systemRules, changes, subject(one))('service-added', { at: one.location, place: 'service', message })
  }
  for (const [before, after] of sides.both) compareService(before, after, subject(after), comparison)
}

function compareService(before: Service, after: Service, subject: Subject, comparison: Comparison): void {
  const report = reporter(systemRules, comparison.changes, subject)
  const where = { at: after.location, base: before.location }
  if (before.owner !== after.owner) {
    const message = `\`${after.name}\` is owned by ${after.owner ?? 'nobody'} now, and was by ${before.owner ?? 'nobody'}`
    report('service-owner-changed', { ...where, place: 'owner', message, before: before.owner, after: after.owner })
  }
  if (before.keys === 'service' && after.keys === 'gateway') {
    const message = `the keys of \`${after.name}\` are kept by the gateway now, and were by the service`
    report('key-keeper-changed', { ...where, place: 'keys', message, before: 'service', after: 'gateway' })
  }
  const uses = paired(Object.values(before.uses), Object.values(after.uses), ({ ref }) => ref)
  for (const { ref, location } of uses.added) {
    report('use-added', { at: location, place: `uses ${ref}`, message: `\`${after.name}\` calls \`${ref}\` now` })
  }
  for (const { ref, location } of uses.removed) {
    const message = `\`${after.name}\` no longer calls \`${ref}\``
    report('use-removed', { ...where, base: location, place: `uses ${ref}`, message })
  }
}

function channels(base: System, revision: System, whole: Subject, comparison: Comparison): void {
  const report = reporter(systemRules, comparison.changes, whole)
  const { both } = paired(Object.values(base.channels), Object.values(revision.channels), ({ address }) => address)
  for (const [before, after] of both) {
    const where = { at: after.location, base: before.location, place: `channel ${after.address}` }
    const [kept, keeps] = [before.retentionMs, after.retentionMs]
    if (kept !== undefined && keeps !== undefined && keeps < kept) {
      const message = `\`${after.address}\` keeps messages for ${duration(keeps)} now, and did for ${duration(kept)}`
      report('channel-retention-shortened', { ...where, message, before: kept, after: keeps })
    }
    if (after.maxBytes !== undefined && after.maxBytes < (before.maxBytes ?? Infinity)) {
      const message = `a message on \`${after.address}\` may have ${after.maxBytes} bytes now, and could have ${before.maxBytes ?? 'any number'}`
      report('channel-size-lowered', { ...where, message, before: before.maxBytes, after: after.maxBytes })
    }
    if (before.partitions !== after.partitions) {
      const message = `\`${after.address}\` has ${after.partitions} partitions now, and had ${before.partitions}`
      report('channel-partitions-changed', { ...where, message, before: before.partitions, after: after.partitions })
    }
  }
}
