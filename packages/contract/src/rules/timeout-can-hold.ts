import type { Service } from '../model/system.ts'
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
      const outer = longestTimeout(service)
      if (outer === undefined) continue
      for (const use of Object.values(service.uses)) {
        const inner = use.provider.guarantees.values.timeoutMs
        if (use.style !== 'rpc' || inner === undefined || inner < outer.ms) continue
        yield {
          at: use.location,
          subject: `${service.name} → ${use.ref}`,
          message: `\`${use.ref}\` may take ${inWords(inner)}, and \`${service.name}\` has at most ${inWords(outer.ms)} (\`${outer.operation}\`); if each were there 99.9 % of the time (assumed: no contract says), both would be ${compositeAvailability(2)}`,
        }
      }
    }
  },
}

/** Which of its operations makes the call is not written down, so the one with most time is given the doubt. */
function longestTimeout(service: Service): { readonly ms: number; readonly operation: string } | undefined {
  const all = [...Object.values(service.operations), ...Object.values(service.receives)]
  if (all.length === 0 || all.some(({ guarantees }) => guarantees.values.timeoutMs === undefined)) return undefined
  return all
    .map(({ operation, guarantees }) => ({ operation, ms: guarantees.values.timeoutMs ?? 0 }))
    .reduce((most, one) => (one.ms > most.ms ? one : most))
}
