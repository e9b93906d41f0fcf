import type { HttpOperation } from '../../model/operation.ts'
import type { SourceLocation } from '../../model/location.ts'
import type { ServiceComparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import type { HttpPair } from '../http-pair.ts'
import { httpIdentity, httpLabel } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'
import { checkRemoval } from './removal.ts'

/** Which operations there are, by method and path. */
export const operationRules = {
  'operation-added': {
    area: 'operation',
    level: 'minor',
    law: 'a new operation offers something more',
    why: 'Nobody used it before.',
    fix: 'nothing to do',
  },
  'operation-id-changed': {
    area: 'operation',
    level: 'warning',
    law: 'a new operationId is a new name in every generated client and in every reference to it',
    why: 'On the wire nothing changes. Generated code, `uses` in spandrel.yaml and sidecars go by the name.',
    fix: 'keep the operationId; it is a name for programs, the summary is one for people',
  },
  'callback-address-changed': {
    area: 'operation',
    level: 'breaking',
    law: 'a call back that reads its address from another place does not reach who put it in the old one',
    why: 'A caller says in its request where it wants to be called. Nothing fails when it asks; only the call never comes.',
    fix: 'read the address from both places until callers have moved',
  },
} as const satisfies Record<string, DiffRule>

export interface HttpSides {
  readonly base: readonly HttpOperation[]
  readonly revision: readonly HttpOperation[]
  readonly role: HttpPair['role']
  /** where an operation that is gone would stand in the revision */
  readonly at: SourceLocation
  /** webhooks and callbacks have no path of their own */
  readonly identity?: (operation: HttpOperation) => string
  readonly subject: (operation: HttpOperation) => Subject
}

/** Tells what was added and removed, and returns the operations of both sides. */
export function checkOperations(sides: HttpSides, comparison: ServiceComparison): readonly HttpPair[] {
  const { base, revision, role, at } = sides
  const { both, removed, added } = paired(base, revision, sides.identity ?? httpIdentity)
  for (const operation of removed) {
    const near = revision.find(({ path }) => path === operation.path)?.location ?? at
    checkRemoval(httpLabel(operation), operation, near, sides.subject(operation), comparison)
  }
  for (const operation of added) {
    reporter(
      operationRules,
      comparison.changes,
      sides.subject(operation),
    )('operation-added', {
      at: operation.location,
      place: 'operation',
      message: `${httpLabel(operation)} is new`,
    })
  }
  return both.map(([before, after]) => {
    const subject = sides.subject(before)
    if (before.operation !== after.operation && role === 'serves') {
      reporter(
        operationRules,
        comparison.changes,
        subject,
      )('operation-id-changed', {
        at: after.location,
        base: before.location,
        place: 'operationId',
        message: `${httpLabel(after)} is called \`${after.operation}\` now, and was \`${before.operation}\``,
        before: before.operation,
        after: after.operation,
      })
    }
    return { base: before, revision: after, role, subject }
  })
}

/** Where each of its callbacks that both versions have is sent to. One that is gone is told as an operation. */
export function checkCallbackAddresses({ base, revision, subject }: HttpPair, comparison: ServiceComparison): void {
  const report = reporter(operationRules, comparison.changes, subject)
  for (const [name, now] of Map.groupBy(revision.callbacks, (one) => one.name)) {
    const old = base.callbacks.filter((one) => one.name === name)
    const gone = old.filter(({ expression }) => !now.some((one) => one.expression === expression))
    for (const { expression } of gone) {
      const after = now.map((one) => one.expression).join(' or ')
      report('callback-address-changed', {
        at: now[0]?.operations[0]?.location ?? revision.location,
        base: base.location,
        place: `callback ${name}`,
        message: `the callback \`${name}\` goes to \`${after}\` now, and went to \`${expression}\``,
        before: expression,
        after,
      })
    }
  }
}
