import type { Service, System } from '../../model/system.ts'
import type { Comparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import { duration } from '../duration-text.ts'
import type { Side } from '../load-side.ts'
import type { DiffRule } from '../model.ts'
import { withoutSecrets } from '../without-secrets.ts'
import { checkGateway } from './gateway.ts'
import { checkOffer } from './offer.ts'
import { checkUses } from './uses.ts'
import { checkWorkflows } from './workflows.ts'

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
  'channel-retention-shortened': {
    area: 'system',
    level: 'breaking',
    law: 'a consumer that was away for as long as it was allowed to misses messages',
    why: 'Before, it could be stopped, or be new, and still read what was kept.',
    fix: 'keep the retention',
  },
  'channel-retention-lengthened': {
    area: 'system',
    level: 'minor',
    law: 'a consumer may be away for longer than before',
    why: 'What was kept still is. A consumer that is new reads older messages, too.',
    fix: 'nothing to do; see that keys are remembered for as long',
  },
  'channel-size-raised': {
    area: 'system',
    level: 'minor',
    law: 'a message may be larger than before',
    why: 'Every message that was small enough still is.',
    fix: 'nothing to do',
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
  'service-became-external': {
    area: 'system',
    level: 'breaking',
    law: 'what is external has no routes at the gateway, and is on no transport of the system',
    why: 'An external service is somebody else’s: nothing is generated or started for it, the gateway no longer leads to it, and its messages are not carried any more. Who calls it at its own URL goes on.',
    fix: 'tell those who came through the gateway where to go, and bring its messages in by another way, first',
  },
  'service-became-internal': {
    area: 'system',
    level: 'minor',
    law: 'a service that is ours now is reached through the gateway and the transport of the system',
    why: 'Who calls it at its own URL goes on.',
    fix: 'nothing to do; see that it is started, and that somebody owns it',
  },
  'service-url-changed': {
    area: 'system',
    level: 'warning',
    law: 'who goes to the old URL of a service may find nobody there',
    why: 'Generated clients have it as their default. Where the environment says another one, nothing changes; the file does not tell.',
    fix: 'let the service answer at both until its callers have moved',
  },
  'service-database-changed': {
    area: 'system',
    level: 'warning',
    law: 'what one database holds is not in another',
    why: 'Keys, messages that wait to be sent, held messages and dead letters are rows in the database of a service. In a new one a retry takes effect again, and what waited stays behind.',
    fix: 'move the rows of the schema `spandrel` with the service’s own, while it is stopped',
  },
  'system-renamed': {
    area: 'system',
    level: 'breaking',
    law: 'the name of the system is part of the source of every message, and of the name that a service calls others by',
    why: 'The CloudEvents `source` is `/<system>/<service>`. Who chooses or counts messages by it misses those with the new one. Keys with `scope: caller` are remembered by it, so what is repeated across the change takes effect again.',
    fix: 'keep the name; change it where nothing is under way and nobody looks at the source',
  },
  'default-availability-changed': {
    area: 'system',
    level: 'info',
    law: 'chains of calls are reckoned with another availability',
    why: 'It is no promise of a service. `spandrel check` multiplies it along chains of calls.',
    fix: 'nothing to do',
  },
  'default-style-changed': {
    area: 'system',
    level: 'info',
    law: 'another style is what needs no reason now',
    why: 'No integration changes by it. Those that kept to the old default deviate now, and `spandrel check` asks for a reason.',
    fix: 'say why, in `reason`, where an integration keeps the old style',
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
    const [before, after] = [withoutSecrets(base.transport.text), withoutSecrets(revision.transport.text)]
    const message = `the transport is \`${after}\` now, and was \`${before}\``
    const where = { at: revision.transport.location, base: base.transport.location }
    report('transport-changed', { ...where, place: 'transport', message, before, after })
  }
  const root = (side: Side, key: string) => side.locate(side.system.location, [key])
  const written = (key: string) => ({
    at: root(comparison.revision, key),
    base: root(comparison.base, key),
    place: key,
  })
  if (base.name !== revision.name) {
    report('system-renamed', {
      ...written('system'),
      message: `the system is called \`${revision.name}\` now, and was \`${base.name}\`: the source of its messages is \`/${revision.name}/…\``,
      before: base.name,
      after: revision.name,
      consumers: comparison.landscape.allReaders(
        ({ provider }) =>
          `knows the messages of ${provider} by the source \`/${base.name}/${provider}\`, if it looks at it`,
      ),
    })
  }
  const [style, other] = [base.defaults.style, revision.defaults.style]
  if (style !== other) {
    const said = (one: typeof style): string => one ?? 'none'
    const message = `the default style is ${said(other)} now, and was ${said(style)}`
    report('default-style-changed', { ...written('defaults'), message, before: said(style), after: said(other) })
  }
  const [reckoned, reckons] = [base.defaults.availability, revision.defaults.availability]
  if (reckoned !== reckons) {
    const message = `the availability that calls are reckoned with is ${percent(reckons)} now, and was ${percent(reckoned)}`
    report('default-availability-changed', { ...written('defaults'), message, before: reckoned, after: reckons })
  }
  checkGateway(whole, comparison)
  checkWorkflows(whole, comparison)
}

function percent(availability: number | undefined): string {
  return availability === undefined ? 'not said' : `${availability} %`
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
  const settings = [
    ['service-url-changed', 'url', before.url, after.url],
    ['service-database-changed', 'database', before.database, after.database],
  ] as const
  for (const [id, member, old, now] of settings) {
    if (old === undefined || now === undefined || old.text === now.text) continue
    const [was, is] = [withoutSecrets(old.text), withoutSecrets(now.text)]
    const message = `the ${member} of \`${after.name}\` is \`${is}\` now, and was \`${was}\``
    const change = { at: now.location, base: old.location, place: member, message, before: was, after: is }
    const callers = comparison.landscape.callersOfAny(after.name, Object.keys(after.operations))
    report(id, { ...change, consumers: member === 'url' ? callers : [] })
  }
  if (!before.external && after.external) {
    const message = `\`${after.name}\` is external now: it has no routes at the gateway, and is on no transport of the system`
    report('service-became-external', {
      ...where,
      place: 'external',
      message,
      before: false,
      after: true,
      consumers: comparison.landscape.partners(after.name),
    })
  }
  if (before.external && !after.external) {
    const message = `\`${after.name}\` is a service of the system now, and was external`
    report('service-became-internal', { ...where, place: 'external', message, before: true, after: false })
  }
  checkOffer(before, after, subject, comparison)
  checkUses(before, after, subject, comparison)
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
    if (kept !== undefined && keeps !== undefined && keeps > kept) {
      const message = `\`${after.address}\` keeps messages for ${duration(keeps)} now, and did for ${duration(kept)}`
      report('channel-retention-lengthened', { ...where, message, before: kept, after: keeps })
    }
    if (before.maxBytes !== undefined && (after.maxBytes ?? Infinity) > before.maxBytes) {
      const message = `a message on \`${after.address}\` may have ${after.maxBytes ?? 'any number of'} bytes now, and could have ${before.maxBytes}`
      report('channel-size-raised', { ...where, message, before: before.maxBytes, after: after.maxBytes })
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
