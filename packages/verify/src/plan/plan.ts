/** What is promised, what can be tried with what was given, and what would make the rest possible. */
import { directed, type JsonSchema, type Service } from '@spandrel/contract'
import { checks } from '../checks/all.ts'
import type { Untested } from '../history/records.ts'
import type { Given } from '../run/attack.ts'
import type { Profile } from '../run/profile.ts'
import { stimuli } from '../stimuli/all.ts'
import type { Stimulus } from '../stimuli/stimulus.ts'
import { onlyReads, operationFacts, type OperationFacts } from './operation-facts.ts'

export interface ServicePlan {
  readonly service: string
  readonly operations: readonly OperationFacts[]
  /** names of those with a key that could be attacked, and are not meant */
  readonly leftOut: readonly string[]
  readonly schemas: Readonly<Record<string, JsonSchema>>
}

export interface PlannedOperation {
  readonly operation: OperationFacts
  readonly stimuli: readonly Stimulus[]
  /** ids of the checks that can come to a verdict */
  readonly checks: readonly string[]
  readonly untested: readonly Untested[]
}

/** The HTTP operations of a service, as facts. `only`: operation names; absent: all. `counted`: whose effects a database counts. */
export function planService(given: Service, only?: readonly string[], counted: readonly string[] = []): ServicePlan {
  // Requests without what is readOnly, answers without what is writeOnly.
  const service = directed(given)
  const meant = ({ operation }: { operation: string }): boolean =>
    only === undefined || only.includes(operation) || only.includes(`${service.name}.${operation}`)
  const all = Object.values(service.operations)
  const leftOut = all
    .filter((operation) => !meant(operation))
    .map((operation) => operationFacts(operation, service))
    .filter((facts) => typeof facts.idempotency === 'object' && leftAlone(facts) === undefined)
    .map(({ operation }) => operation)
  const operations = all
    .filter(meant)
    .map((operation) => operationFacts(operation, service))
    .map((facts): OperationFacts => {
      const byDatabase = counted.includes(facts.operation) && facts.probe.marker !== undefined
      return byDatabase ? { ...facts, probe: { ...facts.probe, oracle: 'strong' } } : facts
    })
  return {
    service: service.name,
    operations,
    leftOut,
    schemas: Object.fromEntries(Object.entries(service.schemas).map(([name, { schema }]) => [name, schema])),
  }
}

/** Why an operation is left alone; undefined where it is attacked. A read is only asked as its `example` says. */
export function leftAlone(operation: OperationFacts): string | undefined {
  const { marker, example } = operation.probe
  if (onlyReads(operation)) {
    if (example !== undefined) return undefined
    const declared = Object.keys(operation.promised).some((member) => member !== 'errors')
    return declared ? 'its x-probe has no `example`: the parameters of a call that may be made' : 'it only reads'
  }
  if (operation.method === 'DELETE') return 'x-probe cannot yet say how to see that something is gone'
  if (marker === undefined && example === undefined)
    return 'it has no `x-probe`: nothing is sent to an operation until one says what is sent, and how its effect is seen'
  if (marker === undefined || example === undefined) {
    return `its x-probe has no ${marker === undefined ? '`marker`' : '`example`'}: nothing is sent to an operation whose effects nobody marked as a test's`
  }
  return undefined
}

export function planOperation(operation: OperationFacts, given: Given, profile: Profile): PlannedOperation {
  const chosen: Stimulus[] = []
  const missing = new Map<string, string>()
  for (const stimulus of stimuli) {
    const applies = stimulus.applies(operation, given, profile)
    if (applies === true) chosen.push(stimulus)
    else if (applies !== undefined) missing.set(stimulus.id, applies)
  }
  const able: string[] = []
  const untested: Untested[] = []
  for (const check of checks) {
    if (operation.promised[check.member] === undefined || !check.about(operation)) continue
    const needs = check.id === 'timeout' ? ['hung'] : check.stimuli
    const possible = needs.includes('*') || chosen.some(({ id }) => needs.includes(id))
    if (possible) able.push(check.id)
    const lacking = needs.map((id) => missing.get(id)).find((text) => text !== undefined)
    // Long overlaps are the one thing a check can be half without.
    const partly = check.id === 'late-overlap' && lacking !== undefined
    const why = possible ? (partly ? `copies later than its usual time; ${lacking}` : undefined) : lacking
    if (why !== undefined) untested.push({ ref: operation.ref, check: check.id, why })
  }
  return { operation, stimuli: chosen, checks: able, untested }
}
