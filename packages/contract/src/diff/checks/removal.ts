import type { SourceLocation } from '../../model/location.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import type { DiffRule } from '../model.ts'

/** Deprecation before removal, and a removal no earlier than announced. */
export const removalRules = {
  'operation-removed': {
    area: 'lifecycle',
    level: 'breaking',
    law: 'an operation that was never deprecated is gone for everybody who uses it, without a warning',
    why: 'That holds for what is served, what is received and what is sent. Who stops receiving an event does not break who sends it, which expects nothing of who hears it: where all senders are known, and send it as that, it is a warning. A command, or a message with a completion or a reply, is waited for.',
    fix: 'keep it with `deprecated: true` and `x-sunset`, and remove it after that day',
  },
  'operation-removed-before-sunset': {
    area: 'lifecycle',
    level: 'breaking',
    law: 'an operation removed before its sunset is gone earlier than was promised',
    why: 'Whoever relies on it has planned to move by that day.',
    fix: 'put it back until the day of its sunset',
  },
  'operation-removed-without-sunset': {
    area: 'lifecycle',
    level: 'warning',
    bump: 'major',
    law: 'a deprecated operation that never had a sunset is removed on a day that nobody could know',
    why: 'Deprecation says "move", and not until when.',
    fix: 'announce `x-sunset` first; where everybody has moved, nothing is to be done',
  },
  'operation-removed-after-sunset': {
    area: 'lifecycle',
    level: 'info',
    bump: 'major',
    law: 'an operation that is removed after its sunset was announced to be',
    why: 'It is an incompatible change all the same, so the version is a major one.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export interface Removed {
  readonly deprecated: boolean
  readonly sunset?: string
  readonly location: SourceLocation
}

/** `what`: `POST /orders`, `the send announceOrder`. */
export function checkRemoval(
  what: string,
  removed: Removed,
  at: SourceLocation,
  subject: Subject,
  comparison: Comparison,
  /** it is what nobody waits for */
  mild = false,
): void {
  const report = reporter(removalRules, comparison.changes, subject)
  const { deprecated, sunset, location } = removed
  const where = { at, base: location, place: 'operation', ...(mild ? { level: 'warning' as const } : {}) }
  if (!deprecated) {
    report('operation-removed', {
      ...where,
      message: `${what} is gone, and was not deprecated${sunset === undefined ? '' : `; its \`x-sunset\` (${sunset}) without \`deprecated: true\` was announced to nobody`}`,
    })
  } else if (sunset === undefined) {
    report('operation-removed-without-sunset', {
      ...where,
      message: `${what} is gone; it was deprecated, with no sunset`,
    })
  } else if (comparison.today < new Date(sunset)) {
    report('operation-removed-before-sunset', {
      ...where,
      message: `${what} is gone, and was promised until ${sunset}`,
      before: sunset,
    })
  } else {
    report('operation-removed-after-sunset', {
      ...where,
      level: 'info',
      message: `${what} is gone, as announced for ${sunset}`,
      before: sunset,
    })
  }
}
