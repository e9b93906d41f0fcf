import type { Rule } from './rule.ts'

export const deviationHasReason: Rule = {
  id: 'deviation-has-reason',
  severity: 'error',
  area: 'governance',
  formats: ['spandrel', 'openapi', 'asyncapi'],
  law: "an integration whose style is not the system's default says why",
  why:
    'A default style is a decision: most integrations follow it without a thought, and the few that do not are the ones ' +
    'worth looking at. A deviation without a reason cannot be told from an accident.',
  fix: 'add `reason:` beside the style',
  // Found while the system is read: nothing but the place where the style stands is needed.
}
