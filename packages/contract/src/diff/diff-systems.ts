import type { System } from '../model/system.ts'
import { checkSystem } from './checks/system.ts'
import { Changes } from './changes.ts'
import type { Comparison, ServiceComparison } from './comparison.ts'
import { paired } from './comparison.ts'
import { Landscape } from './consumers.ts'
import type { Side } from './load-side.ts'
import type { DiffFinding, Policy } from './model.ts'
import { diffService } from './diff-service.ts'
import { SchemaComparison } from './schemas/schema-comparison.ts'
import type { Verdict } from './verdict.ts'
import { verdictOf } from './verdict.ts'

export interface DiffOptions {
  readonly policy?: Policy
  /** what sunsets and notices are measured from; now by default */
  readonly today?: Date
  /** names consumers where documents are compared that no system of the two sides has */
  readonly system?: System
}

/** How much was looked at. Nothing at all is no result. */
interface LookedAt {
  readonly services: number
  readonly operations: number
  readonly messages: number
  readonly schemas: number
  /** of `schemas`, those that are not written as they were */
  readonly changedSchemas: number
  readonly guarantees: number
}

export interface DiffResult {
  readonly findings: readonly DiffFinding[]
  readonly verdict: Verdict
  readonly looked: LookedAt
}

/** Everything that changed from one side to the other, and what that means to those who rely on it. */
export function diffSystems(base: Side, revision: Side, options: DiffOptions = {}): DiffResult {
  const policy = options.policy ?? 'tolerant'
  const changes = new Changes(policy)
  const systems = options.system === undefined ? [base.system, revision.system] : [options.system]
  const comparison: Comparison = {
    base,
    revision,
    policy,
    today: options.today ?? new Date(),
    changes,
    landscape: new Landscape(systems, policy),
  }
  const { both } = paired(
    Object.values(base.system.services),
    Object.values(revision.system.services),
    (one) => one.name,
  )
  checkSystem(comparison)
  let schemas = 0
  let changedSchemas = 0
  for (const [before, after] of both) {
    const named = { base: before.schemas, revision: after.schemas }
    const inner: ServiceComparison = { ...comparison, schemas: new SchemaComparison(comparison, named) }
    diffService(before, after, inner)
    schemas += inner.schemas.compared
    changedSchemas += inner.schemas.changed
  }
  const findings = changes.sorted()
  return {
    findings,
    verdict: verdictOf(findings, base.system, revision.system),
    looked: lookedAt(revision.system, schemas, changedSchemas),
  }
}

function lookedAt(system: System, schemas: number, changedSchemas: number): LookedAt {
  const services = Object.values(system.services)
  const operations = services.flatMap((one) => [
    ...Object.values(one.operations),
    ...one.webhooks,
    ...Object.values(one.sends),
    ...Object.values(one.receives),
  ])
  return {
    services: services.length,
    operations: operations.length,
    messages: services.reduce((sum, one) => sum + Object.keys(one.messages).length, 0),
    schemas,
    changedSchemas,
    guarantees: operations.reduce((sum, one) => sum + Object.keys(one.guarantees.declared).length, 0),
  }
}
