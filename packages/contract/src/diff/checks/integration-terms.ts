import type { IntegrationTerms } from '../../model/integration.ts'
import type { SourceLocation } from '../../model/location.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import { duration } from '../duration-text.ts'
import type { DiffRule } from '../model.ts'

/** x-integration: who answers for it, and what is promised about change itself. */
export const integrationRules = {
  'compatibility-weakened': {
    area: 'lifecycle',
    level: 'breaking',
    law: 'a promise about future changes is taken back',
    why: 'Consumers chose how closely to follow by it. full is more than backward, backward more than none.',
    fix: 'keep the promise for this version; give the new one another',
  },
  'compatibility-strengthened': {
    area: 'lifecycle',
    level: 'minor',
    law: 'a stronger promise about future changes offers something more',
    why: 'Nobody chose to follow less closely by it.',
    fix: 'nothing to do',
  },
  'notice-lengthened': {
    area: 'lifecycle',
    level: 'minor',
    law: 'users have more time to move than was promised',
    why: 'Nobody planned for less.',
    fix: 'nothing to do',
  },
  'notice-shortened': {
    area: 'lifecycle',
    level: 'breaking',
    law: 'users have less time to move than was promised',
    why: 'A team that was promised 90 days has planned for 90 days.',
    fix: 'keep the notice; a longer one is always allowed',
  },
  'owner-changed': {
    area: 'lifecycle',
    level: 'info',
    law: 'another team answers for it now',
    why: 'Nothing changes for a program; people ask somebody else.',
    fix: 'tell its users',
  },
  'style-changed': {
    area: 'lifecycle',
    level: 'warning',
    law: 'an integration of another style couples its two sides in another way',
    why: 'An rpc that was messaging makes its caller wait, and fail with it.',
    fix: 'say why, in `reason`',
  },
  'compensation-changed': {
    area: 'lifecycle',
    level: 'warning',
    law: 'a process that counts on a step to be undone may have nobody to undo it',
    why: '`compensates` says which operation this one takes back. Whoever conducts the process, or fails late in it, asks for that.',
    fix: 'name what it undoes, or see that another operation does',
  },
  'process-changed': {
    area: 'lifecycle',
    level: 'info',
    law: 'a step belongs to another process, or to none',
    why: 'Nothing changes for a program. `spandrel check` judges processes by their steps.',
    fix: 'tell the owners of both processes',
  },
} as const satisfies Record<string, DiffRule>

const compatibilities = ['none', 'backward', 'full']

export function checkIntegration(
  before: IntegrationTerms | undefined,
  after: IntegrationTerms | undefined,
  at: SourceLocation,
  subject: Subject,
  comparison: Comparison,
): void {
  const report = reporter(integrationRules, comparison.changes, subject)
  // Most of it is said once for a document: a change there is one finding, not one for each operation.
  const where = { at: after?.location ?? at, base: before?.location }
  const changed = (old: unknown, now: unknown): boolean => old !== undefined && old !== now
  const told = (part: string, old: unknown, now: unknown) => ({
    ...where,
    place: `x-integration ${part}`,
    keyword: part,
    before: old,
    after: now,
  })
  const [old, now] = [before?.compatibility, after?.compatibility]
  if (changed(old, now) && compatibilities.indexOf(now ?? 'none') < compatibilities.indexOf(old ?? 'none')) {
    const message = `the compatibility promised is ${now ?? 'none'} now, and was ${old}`
    report('compatibility-weakened', { ...told('compatibility', old, now), message })
  }
  if (compatibilities.indexOf(now ?? 'none') > compatibilities.indexOf(old ?? 'none')) {
    const message = `the compatibility promised is ${now} now, and was ${old ?? 'none'}`
    report('compatibility-strengthened', { ...told('compatibility', old, now), message })
  }
  const notice = before?.noticeMs
  if ((after?.noticeMs ?? 0) > (notice ?? 0)) {
    const [was, is] = [notice === undefined ? 'none' : duration(notice), duration(after?.noticeMs ?? 0)]
    const message = `the notice promised is ${is} now, and was ${was}`
    report('notice-lengthened', { ...told('notice', was, is), message })
  }
  if (notice !== undefined && (after?.noticeMs ?? 0) < notice) {
    const [was, is] = [duration(notice), after?.noticeMs === undefined ? 'none' : duration(after.noticeMs)]
    report('notice-shortened', {
      ...told('notice', was, is),
      message: `the notice promised is ${is} now, and was ${was}`,
    })
  }
  if (changed(before?.owner, after?.owner)) {
    const message = `it is owned by ${after?.owner ?? 'nobody'} now, and was by ${before?.owner}`
    report('owner-changed', { ...told('owner', before?.owner, after?.owner), message })
  }
  if (changed(before?.compensates, after?.compensates)) {
    const message = `it undoes ${after?.compensates ?? 'nothing'} now, and undid ${before?.compensates}`
    report('compensation-changed', { ...told('compensates', before?.compensates, after?.compensates), message })
  }
  if (before?.process !== after?.process) {
    const message = `it is a step of ${after?.process ?? 'no process'} now, and was of ${before?.process ?? 'none'}`
    report('process-changed', { ...told('process', before?.process, after?.process), message })
  }
  if (changed(before?.style, after?.style) && after?.style !== undefined) {
    const message = `its style is ${after.style} now, and was ${before?.style}`
    report('style-changed', { ...told('style', before?.style, after.style), message })
  }
}
