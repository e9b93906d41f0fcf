import type { Rule } from './rule.ts'

/** What the settings of `check` in spandrel.yaml may get wrong. Found when rules are applied. */

export const acknowledgementExpired: Rule = {
  id: 'acknowledgement-expired',
  severity: 'warning',
  area: 'settings',
  formats: ['spandrel'],
  law: 'an acknowledged finding is mended, or decided on anew, by its date',
  why:
    'An acknowledgement says: we know, and we mend it by then. After that day the finding counts again, and this one ' +
    'says whom to ask.',
  fix: 'mend what was acknowledged, or agree on another date',
}

export const acknowledgementUnused: Rule = {
  id: 'acknowledgement-unused',
  severity: 'warning',
  area: 'settings',
  formats: ['spandrel'],
  law: 'an acknowledgement has something to acknowledge',
  why:
    'Once a fault is mended its acknowledgement would hide the next one of its kind. One that never matched anything has ' +
    'a misspelt subject, and hides nothing.',
  fix: 'remove it, or correct its `rule` or `subject`',
}

export const unknownRule: Rule = {
  id: 'unknown-rule',
  severity: 'error',
  area: 'settings',
  formats: ['spandrel'],
  law: 'settings name rules that exist',
  why: 'A severity or an acknowledgement for a rule that does not exist does nothing, while its author believes it does.',
  fix: 'use an id that `spandrel explain` lists',
}
