import type { HttpOperation } from '../../model/operation.ts'
import type { Service, Use } from '../../model/system.ts'
import type { Comparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import { httpIdentity } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'

/** The calls that a service makes. */
export const useRules = {
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
  'use-style-changed': {
    area: 'system',
    level: 'warning',
    law: 'a call of another style couples its two sides in another way',
    why: 'Where it was a file and is an rpc, the caller waits, and fails with the one it calls. Its provider has another load, at other times.',
    fix: 'say why, in `reason`; tell the owner of the provider',
  },
  'use-fallback-removed': {
    area: 'system',
    level: 'warning',
    law: 'a service that went on without an answer fails now where the call fails',
    why: 'So do those who call it, and wait. `spandrel impact SERVICE --down` shows how far that goes.',
    fix: 'keep the fallback, or tell those who call',
  },
  'use-fallback-added': {
    area: 'system',
    level: 'minor',
    law: 'a service that failed with a call goes on without its answer',
    why: 'Who calls it gets an answer more often; the fallback says which.',
    fix: 'nothing to do',
  },
  'use-fallback-changed': {
    area: 'system',
    level: 'info',
    law: 'what is done without an answer is said in other words',
    why: 'It is a sentence: whether it means something else, a person has to read.',
    fix: 'read both; tell those who call, if it does',
  },
} as const satisfies Record<string, DiffRule>

export function checkUses(before: Service, after: Service, subject: Subject, comparison: Comparison): void {
  const report = reporter(useRules, comparison.changes, subject)
  // An operation by another id is told where it is declared; it is called as before.
  const renamed = new Map(
    Object.values(before.uses).flatMap((use) => {
      const now = after.uses[use.ref] === undefined ? sameCall(use, after) : undefined
      return now === undefined || before.uses[now.ref] !== undefined ? [] : [[use.ref, now.ref] as const]
    }),
  )
  const all = paired(
    Object.values(before.uses).map((use) => ({ use, ref: renamed.get(use.ref) ?? use.ref })),
    Object.values(after.uses).map((use) => ({ use, ref: use.ref })),
    ({ ref }) => ref,
  )
  for (const { ref, use } of all.added) {
    report('use-added', { at: use.location, place: `uses ${ref}`, message: `\`${after.name}\` calls \`${ref}\` now` })
  }
  for (const { ref, use } of all.removed) {
    const rest = Object.values(after.uses).filter(({ service }) => service === use.service)
    const still = rest.length === 0 ? '' : `; it still calls ${rest.map((one) => `\`${one.ref}\``).join(', ')}`
    const message = `\`${after.name}\` no longer calls \`${ref}\`${still}`
    report('use-removed', { at: after.location, base: use.location, place: `uses ${ref}`, message })
  }
  for (const [{ use: old }, { use: now }] of all.both) compareUse(old, now, after, subject, comparison)
}

function compareUse(before: Use, after: Use, service: Service, subject: Subject, comparison: Comparison): void {
  const report = reporter(useRules, comparison.changes, subject)
  const where = { at: after.location, base: before.location, place: `uses ${after.ref}` }
  if (before.style !== after.style) {
    const message = `the style of the call to \`${after.ref}\` is ${after.style} now, and was ${before.style}`
    report('use-style-changed', { ...where, message, before: before.style, after: after.style })
  }
  const [old, now] = [before.fallback, after.fallback]
  if (old === now) return
  const change = {
    ...where,
    ...(old === undefined ? {} : { before: old }),
    ...(now === undefined ? {} : { after: now }),
  }
  if (now === undefined) {
    const message = `without an answer of \`${after.ref}\`, \`${service.name}\` fails now; before: ${old}`
    const consumers = comparison.landscape.callersOfAny(service.name, after.in ?? Object.keys(service.operations))
    report('use-fallback-removed', { ...change, message, consumers })
  } else if (old === undefined) {
    const message = `without an answer of \`${after.ref}\`, \`${service.name}\` goes on now: ${now}`
    report('use-fallback-added', { ...change, message })
  } else {
    const message = `without an answer of \`${after.ref}\`: ${now}; before: ${old}`
    report('use-fallback-changed', { ...change, message })
  }
}

/** The same method and path of the same service, by whatever id. */
function sameCall({ provider, service }: Use, after: Service): Use | undefined {
  const wire = (operation: HttpOperation): string => httpIdentity(operation)
  return Object.values(after.uses).find((one) => one.service === service && wire(one.provider) === wire(provider))
}
