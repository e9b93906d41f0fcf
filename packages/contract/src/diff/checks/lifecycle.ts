import type { IntegrationTerms } from '../../model/integration.ts'
import type { SourceLocation } from '../../model/location.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import type { DiffRule } from '../model.ts'
import { duration } from '../duration-text.ts'

/** What is announced: deprecation, the day of the end, and the time between the two. */
export const lifecycleRules = {
  'operation-deprecated': {
    area: 'lifecycle',
    level: 'minor',
    law: 'deprecating something tells its users to move, and takes nothing from them',
    why: 'It works as before until it is removed.',
    fix: 'say what to use instead, and by when: `x-sunset`',
  },
  'deprecation-withdrawn': {
    area: 'lifecycle',
    level: 'info',
    law: 'what is no longer deprecated stays',
    why: 'Nobody has to move any more.',
    fix: 'tell those who are moving',
  },
  'sunset-earlier': {
    area: 'lifecycle',
    level: 'breaking',
    law: 'a sunset never moves to an earlier day',
    why: 'Whoever relies on it has planned for the later one.',
    fix: 'keep the day that was announced, or choose a later one',
  },
  'sunset-later': {
    area: 'lifecycle',
    level: 'info',
    law: 'a later sunset, or none, takes nothing from anybody',
    why: 'There is more time to move.',
    fix: 'nothing to do',
  },
  'sunset-not-announced': {
    area: 'lifecycle',
    level: 'warning',
    law: 'an end without `deprecated: true` is announced to nobody',
    why: '`x-sunset` is the day on which something deprecated ends. Without `deprecated: true` no `Deprecation` or `Sunset` header is sent, no notice begins, and a removal after that day is as sudden as any other.',
    fix: 'add `deprecated: true`',
  },
  'notice-not-kept': {
    area: 'lifecycle',
    level: 'breaking',
    law: 'the time from deprecation to sunset is at least the notice that was promised',
    why: '`x-integration.notice` promises a time in which users can move. It counts from the change that deprecates.',
    fix: 'choose a sunset that is at least the notice away',
  },
} as const satisfies Record<string, DiffRule>

interface Lived {
  readonly deprecated: boolean
  readonly sunset?: string
  readonly integration?: IntegrationTerms
  readonly location: SourceLocation
}

/** An operation or a message on both sides; `what` is how it is called in a sentence. */
export function checkLifecycle(
  what: string,
  base: Lived,
  revision: Lived,
  subject: Subject,
  comparison: Comparison,
): void {
  const report = reporter(lifecycleRules, comparison.changes, subject)
  const where = { at: revision.location, base: base.location, place: `${what} lifecycle` }
  if (!base.deprecated && revision.deprecated) {
    const until = revision.sunset === undefined ? 'with no sunset yet' : `until ${revision.sunset}`
    report('operation-deprecated', { ...where, message: `${what} is deprecated now, ${until}`, after: revision.sunset })
  }
  if (base.deprecated && !revision.deprecated) {
    report('deprecation-withdrawn', { ...where, message: `${what} is no longer deprecated` })
  }
  if (unheard(revision) && !unheard(base)) {
    const message = `${what} has the sunset ${revision.sunset}, and is not deprecated: nobody is told`
    return report('sunset-not-announced', { ...where, message, after: revision.sunset })
  }
  if (!unheard(base)) sunsetMoved(what, base, revision, where, report)
  const notice = base.integration?.noticeMs ?? revision.integration?.noticeMs
  const announced = base.deprecated && base.sunset !== undefined
  if (announced || notice === undefined || revision.sunset === undefined || !revision.deprecated) return
  const given = new Date(revision.sunset).getTime() - comparison.today.getTime()
  if (given >= notice || Number.isNaN(given)) return
  report('notice-not-kept', {
    ...where,
    message: `${what} ends on ${revision.sunset}, in ${duration(Math.max(given, 0))}; the notice promised is ${duration(notice)}`,
    before: duration(notice),
    after: revision.sunset,
  })
}

function unheard({ deprecated, sunset }: Lived): boolean {
  return sunset !== undefined && !deprecated
}

function sunsetMoved(
  what: string,
  base: Lived,
  revision: Lived,
  where: { at: SourceLocation; base: SourceLocation; place: string },
  report: ReturnType<typeof reporter<typeof lifecycleRules>>,
): void {
  if (base.sunset === undefined || base.sunset === revision.sunset) return
  const earlier = revision.sunset !== undefined && new Date(revision.sunset) < new Date(base.sunset)
  report(earlier ? 'sunset-earlier' : 'sunset-later', {
    ...where,
    message: `the sunset of ${what} moved from ${base.sunset} to ${revision.sunset ?? 'never'}`,
    before: base.sunset,
    after: revision.sunset,
  })
}
