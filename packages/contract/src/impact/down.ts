import { didYouMean, listed } from '../findings/nearest.ts'
import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'
import { optional } from '../model/optional.ts'
import type { System } from '../model/system.ts'
import { ownerOf } from '../rules/operations.ts'
import { Spread } from './down-spread.ts'

/** Worst first. `fails`: no answer, or messages are lost. `degrades`: a declared fallback. `waits`: later, and nothing lost. */
const outcomes = ['fails', 'degrades', 'waits'] as const
export type Outcome = (typeof outcomes)[number]

/** One step of the way from an operation to the service that is down. */
export interface DownStep {
  /** `orders.placeOrder` */
  readonly from: string
  /** `payments.quotePrice` */
  readonly to: string
  readonly relation: 'calls' | 'receives' | 'waits for' | 'asks' | 'follows'
  readonly style: IntegrationStyle
  readonly location: SourceLocation
}

/** What becomes of one operation. */
export interface DownEffect {
  /** `orders.placeOrder` */
  readonly operation: string
  readonly service: string
  readonly owner?: string
  readonly kind: 'http' | 'send' | 'receive'
  readonly outcome: Outcome
  /** the contracts do not say for sure: a call that any operation may make, a message that several inputs may lead to */
  readonly possible: boolean
  readonly because: string
  /** from the operation to the service that is down; empty for its own operations */
  readonly chain: readonly DownStep[]
  readonly location: SourceLocation
}

export interface DownImpact {
  readonly service: string
  readonly owner?: string
  /** worst first, then in the order of spandrel.yaml */
  readonly effects: readonly DownEffect[]
  /** operations that nothing leads from to the service */
  readonly unaffected: readonly string[]
  readonly looked: { readonly services: number; readonly operations: number; readonly integrations: number }
}

/**
 * What becomes of every operation of a system while one service does not run, by what is declared: a call in the way of
 * a request fails with it, a declared fallback degrades, messages only wait.
 */
export function impactOfDown(name: string, system: System): DownImpact | { readonly effects?: never; hint: string } {
  const down = system.services[name]
  if (down === undefined) {
    const names = Object.keys(system.services)
    const dot = name.indexOf('.')
    const whose = system.services[name.slice(0, Math.max(dot, 0))]
    if (whose !== undefined) return { hint: `\`--down\` takes a service: did you mean \`${whose.name}\`?` }
    return { hint: didYouMean(name, names, `there are: ${listed(names)}`) }
  }
  const spread = new Spread(system, down)
  const found = spread.effects()
  const all = spread.operations()
  const affected = new Set(found.map(({ operation }) => operation))
  return {
    service: name,
    ...optional('owner', ownerOf(down)),
    effects: outcomes.flatMap((outcome) =>
      [false, true].flatMap((possible) => found.filter((one) => one.outcome === outcome && one.possible === possible)),
    ),
    unaffected: all.filter((operation) => !affected.has(operation)),
    looked: {
      services: Object.keys(system.services).length,
      operations: all.length,
      integrations: system.integrations.length,
    },
  }
}
