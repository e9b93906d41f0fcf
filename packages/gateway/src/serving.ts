import type { Edge } from './edge.ts'
import type { ServicePool } from './proxy/service-pool.ts'

/**
 * One loaded system at work: its routes, and the connections to its services. A reload puts another in its place. States:
 *
 *   current  new requests come here
 *   retired  another is current; what began here is finished here, by these routes and on these connections
 *   over     nothing is left of it; connections that no other has are closed
 */
export class Serving {
  readonly edge: Edge
  readonly pools: readonly ServicePool[]
  readonly #over: (serving: Serving) => void
  #open = 0
  #retired = false

  constructor(edge: Edge, pools: readonly ServicePool[], over: (serving: Serving) => void) {
    this.edge = edge
    this.pools = pools
    this.#over = over
    for (const pool of pools) pool.hold()
  }

  /** An exchange begins. */
  began(): void {
    this.#open++
  }

  /** An exchange is over on both sides: it needs neither route nor connection any more. */
  ended(): void {
    this.#open--
    this.#settle()
  }

  retire(): void {
    this.#retired = true
    this.#settle()
  }

  #settle(): void {
    if (!this.#retired || this.#open > 0) return
    for (const pool of this.pools) pool.release()
    this.#over(this)
  }
}
