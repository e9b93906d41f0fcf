import type { Rule } from './rule.ts'

export const processHasOwner: Rule = {
  id: 'process-has-owner',
  severity: 'error',
  area: 'governance',
  formats: ['spandrel'],
  law: 'every workflow has an owner',
  why:
    'A process over several services belongs to none of them. When it stands still, every team looks at its own part and ' +
    'finds it healthy. Somebody has to answer for the whole.',
  fix: 'add `owner:` to the workflow',
  *check({ system }) {
    for (const workflow of Object.values(system.workflows)) {
      if (workflow.owner.trim() !== '') continue
      yield { at: workflow.location, subject: workflow.name, message: `the workflow \`${workflow.name}\` has no owner` }
    }
  },
}
