import type { Service, Use } from '../model/system.ts'
import { inWords } from './durations.ts'
import { servicesOf } from './operations.ts'
import { compositeAvailability } from './rpc-edges.ts'
import type { Rule } from './rule.ts'

export const timeoutCanHold: Rule = {
  id: 'timeout-can-hold',
  severity: 'error',
  area: 'coupling',
  formats: ['spandrel', 'openapi', 'asyncapi'],
  law: 'who waits for a call has more time than the call',
  why:
    'A service that promises an answer within two seconds and waits for one that may take five has promised what it ' +
    'cannot keep: its caller gives up, tries again, and the first attempt is still running.',
  fix: "make the caller's `timeout` longer, or the provider's shorter",
  *check({ system }) {
    for (const service of servicesOf(system)) {
      for (const use of Object.values(service.uses)) {
        const outer = timeoutOf(service, use)
        if (outer === undefined) continue
        const inner = use.provider.guarantees.values.timeoutMs
        if (use.style !== 'rpc' || inner === undefined || inner < outer.ms) continue
        yield {
          at: use.location,
          subject: `${service.name} → ${use.ref}`,
          message: `\`${use.ref}\` may take ${inWords(inner)}, and \`${service.name}\` has at most ${inWords(outer.ms)} (\`${outer.operation}\`); ${compositeAvailability(2, system)}`,
        }
      }
    }
  },
}

/**
 * Of the operations that make the call, the one with the least time. Where `in` does not say which do, the one with the
 * most is given the doubt.
 */
function timeoutOf(service: Service, use: Use): { readonly ms: number; readonly operation: string } | undefined {
  const timeouts = [...Object.values(service.operations), ...Object.values(service.receives)]
    .filter(({ operation }) => use.in?.includes(operation) ?? true)
    .map(({ operation, guarantees }) => ({ operation, ms: guarantees.values.timeoutMs }))
  const known = timeouts.flatMap(({ operation, ms }) => (ms === undefined ? [] : [{ operation, ms }]))
  const sorted = known.toSorted((one, other) => one.ms - other.ms)
  if (use.in !== undefined) return sorted[0]
  return known.length < timeouts.length ? undefined : sorted.at(-1)
}
