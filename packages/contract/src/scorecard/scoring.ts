import type { Service } from '../model/system.ts'
import type { RuleContext, Violation } from '../rules/rule.ts'
import { clientLibraries, manifestsOf } from '../rules/required-client-library.ts'
import { rules } from '../rules/table.ts'
import { unnamedEdges } from '../rules/undeclared-workflow.ts'
import { type CiTest, contractTestsOf } from './ci.ts'
import { type Edge, edgesOf, subjectsOf } from './edges.ts'
import { no, type Scoring } from './question.ts'

type Found = Violation & { readonly fix: string }

/** What is asked for by many answers is worked out once. */
export function scoringOf(context: RuleContext): Scoring {
  const { system, repository } = context
  const violations = once((id: string): readonly Found[] => {
    const rule = rules.find((one) => one.id === id)
    return [...(rule?.check?.(context) ?? [])].map((one) => ({ ...one, fix: one.fix ?? rule?.fix ?? '' }))
  })
  const bySubject = once((id: string) => Map.groupBy(violations(id), ({ subject }) => subject))
  const libraries = once(clientLibraries)
  const handovers = once(unnamedEdges)
  const tests = once((edge: Edge): CiTest | undefined => {
    // What another company runs is not ours to know; what we run against it is.
    const runner = edge.provider === undefined || edge.provider.external ? edge.consumer : edge.provider
    return runner && contractTestsOf(edge.provider ?? runner, edge.kind, { ...context, from: runner.dir })
  })
  const manifests = once((service: Service) => manifestsOf(service, repository))
  return {
    ...context,
    edges: edgesOf(system),
    violations,
    violation(edge, ...ids) {
      const subjects = subjectsOf(edge)
      for (const id of ids) {
        const found = subjects.flatMap((subject) => bySubject(id).get(subject) ?? [])[0]
        if (found !== undefined) return no(`${found.message} (${id})`, found.at, found.fix)
      }
      return undefined
    },
    contractTests: tests,
    manifests,
    get clientLibraries() {
      return libraries(repository)
    },
    get handovers() {
      return handovers(system)
    },
  }
}

function once<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    if (!made.has(key)) made.set(key, make(key))
    return made.get(key) as V
  }
}
