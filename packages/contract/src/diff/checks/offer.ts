import type { AnswerMode, Offer, Service, System } from '../../model/system.ts'
import type { Subject } from '../changes.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { DiffRule, Level } from '../model.ts'
import { checkLifecycle } from './lifecycle.ts'

/** How the gateway offers a service: where, to which requests, until when, and whether its answers are checked. */
export const offerRules = {
  'gateway-path-changed': {
    area: 'system',
    level: 'breaking',
    law: 'who calls the old path at the gateway finds no route there',
    why: 'The path stands before every path of the service’s operations.',
    fix: 'offer the contract under both paths until its callers have moved: a second service with the same contracts',
  },
  'gateway-version-changed': {
    area: 'system',
    level: 'breaking',
    law: 'a request that named this version by a header, or by none, is led elsewhere',
    why: 'It meets another version of the contract, or no route. Where every request that was led here still is, the change is minor. Where only requests with another value of the header are lost, it is a warning.',
    fix: 'keep header and value, and leave `default: true` where it is, until the callers say the new one',
  },
  'gateway-answers-changed': {
    area: 'system',
    level: 'warning',
    law: 'an answer that does not fit its contract meets callers in another way than before',
    why: 'With `enforce` it is an error (502). Without, callers get it as it is. Between `off` and `warn` nothing changes for a caller: then it is a remark.',
    fix: 'before `enforce`, look at what `warn` counts: `spandrel_gateway_invalid_answers_total`',
  },
} as const satisfies Record<string, DiffRule>

export function checkOffer(before: Service, after: Service, subject: Subject, comparison: Comparison): void {
  const [base, revision] = [comparison.base.system, comparison.revision.system]
  // Where there was no gateway, or is none, that is said once.
  if (base.gateway === undefined || revision.gateway === undefined || before.external || after.external) return
  const report = reporter(offerRules, comparison.changes, subject)
  const { name } = after
  const [old, now] = [before.gateway, after.gateway]
  const where = { at: now?.location ?? after.location, base: old?.location ?? before.location }
  if (old?.path !== now?.path) {
    const message = `\`${name}\` is offered ${under(now?.path)} now, and was ${under(old?.path)}`
    report('gateway-path-changed', { ...where, place: 'gateway path', message, before: old?.path, after: now?.path })
  }
  const level = versionLevel(old?.version, now?.version)
  if (level !== undefined) {
    const [was, is] = [versionText(old?.version), versionText(now?.version)]
    const message = `requests are for \`${name}\` ${is} now, and were ${was}`
    report('gateway-version-changed', { ...where, place: 'gateway version', message, before: was, after: is, level })
  }
  const [did, does] = [answersOf(old, base), answersOf(now, revision)]
  if (did !== does) {
    const message = `the answers of \`${name}\`: \`${does}\` now, and \`${did}\` before`
    const change = { ...where, place: 'gateway answers', message, before: did, after: does }
    report('gateway-answers-changed', [did, does].includes('enforce') ? change : { ...change, level: 'info' })
  }
  checkLifecycle(`all of \`${name}\``, lived(before), lived(after), subject, comparison)
}

function under(path: string | undefined): string {
  if (path === undefined) return 'at the root of the gateway'
  return path === 'servers' ? 'under the paths of its servers' : `under \`${path}\``
}

type Version = Offer['version']

function versionText(version: Version): string {
  if (version === undefined) return 'whatever their headers say'
  const { header, value } = version
  return `with \`${header}: ${value}\`${version.default ? `, or without \`${header}\`` : ''}`
}

/** Undefined: the same requests as before. */
function versionLevel(before: Version, after: Version): Level | undefined {
  if (before === undefined) {
    if (after === undefined) return undefined
    return after.default ? 'warning' : 'breaking'
  }
  if (after === undefined) return 'minor'
  const same = before.header.toLowerCase() === after.header.toLowerCase() && before.value === after.value
  if (!same || (before.default && !after.default)) return 'breaking'
  return before.default === after.default ? undefined : 'minor'
}

function answersOf(offer: Offer | undefined, system: System): AnswerMode {
  return offer?.answers ?? system.gateway?.answers ?? 'off'
}

function lived({ gateway, location }: Service): Parameters<typeof checkLifecycle>[1] {
  return {
    deprecated: gateway?.deprecated !== undefined,
    ...(gateway?.sunset !== undefined && { sunset: gateway.sunset }),
    location: gateway?.location ?? location,
  }
}
