import type { Workflow } from '../../model/system.ts'
import type { Comparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import type { DiffRule } from '../model.ts'

/** Processes over several services: who answers for them, and who conducts. */
export const workflowRules = {
  'workflow-removed': {
    area: 'system',
    level: 'warning',
    law: 'a process that nobody names is nobody’s',
    why: 'Its steps are still there, and nothing says any more that they belong together.',
    fix: 'keep the workflow and its owner for as long as its steps exist',
  },
  'workflow-added': {
    area: 'system',
    level: 'info',
    law: 'a process has a name and an owner now',
    why: 'Its steps were there before, or are told as operations of their own.',
    fix: 'nothing to do',
  },
  'workflow-coordination-changed': {
    area: 'system',
    level: 'warning',
    law: 'a process that is conducted tells its steps by command what to do; without a conductor each listens for itself',
    why: 'With orchestration one service sends the commands and undoes what went before; with choreography each step reacts to events. The commands and events are compared where the contracts have them. Who undoes a step that fails, and whether what is under way ends well, no document tells.',
    fix: 'let what is under way end before the conductor comes or goes; see that somebody sends what each step waits for',
  },
  'workflow-owner-changed': {
    area: 'system',
    level: 'info',
    law: 'another team answers for the process now',
    why: 'Nothing changes for a program; people ask somebody else.',
    fix: 'tell the owners of its steps',
  },
} as const satisfies Record<string, DiffRule>

export function checkWorkflows(whole: Subject, comparison: Comparison): void {
  const [base, revision] = [comparison.base.system, comparison.revision.system]
  const report = reporter(workflowRules, comparison.changes, whole)
  const all = paired(Object.values(base.workflows), Object.values(revision.workflows), ({ name }) => name)
  for (const one of all.removed) {
    const message = `the workflow \`${one.name}\` is gone`
    report('workflow-removed', { at: revision.location, base: one.location, place: placeOf(one), message })
  }
  for (const one of all.added) {
    const message = `the workflow \`${one.name}\` is new: ${one.coordination}, owned by ${one.owner}`
    report('workflow-added', { at: one.location, place: placeOf(one), message })
  }
  for (const [before, after] of all.both) {
    const where = { at: after.location, base: before.location }
    if (before.coordination !== after.coordination) {
      report('workflow-coordination-changed', {
        ...where,
        place: `${placeOf(after)} coordination`,
        message: `\`${after.name}\` is ${after.coordination} now, and was ${before.coordination}`,
        before: before.coordination,
        after: after.coordination,
        consumers: comparison.landscape.steps(after.name),
      })
    }
    if (before.owner !== after.owner) {
      report('workflow-owner-changed', {
        ...where,
        place: `${placeOf(after)} owner`,
        message: `\`${after.name}\` is owned by ${after.owner} now, and was by ${before.owner}`,
        before: before.owner,
        after: after.owner,
      })
    }
  }
}

function placeOf({ name }: Workflow): string {
  return `workflow ${name}`
}
