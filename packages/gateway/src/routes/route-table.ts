import type { HttpOperation } from '@spandrel/contract'
import { SpandrelError } from '@spandrel/runtime'
import { PathTree } from './path-tree.ts'
import type { Route } from './route.ts'

export interface Match {
  readonly route: Route
  /** decoded values, in the order of `route.pathNames` */
  readonly values: readonly string[]
}

/** Method and path → operation. */
export class RouteTable {
  readonly #tree = new PathTree<Route>()
  readonly #methods = new Set<string>()
  readonly routes: Route[] = []

  add(route: Route): void {
    const { operation } = route
    const other = this.#put(operation.method, route)
    if (other !== undefined) {
      throw new SpandrelError(
        'wrong-configuration',
        `${operation.service}.${operation.operation} and ${other.operation.service}.${other.operation.operation} have ` +
          `the same route ${operation.method} ${operation.path}:\n  ${where(other.operation)}\n  ${where(operation)}`,
        { hint: 'give one of them another path, or put a gateway of its own before one of the services' },
      )
    }
    this.routes.push(route)
  }

  /** HEAD is answered by GET where the contract has no HEAD of its own. Called once, after the last `add`. */
  finish(): void {
    for (const route of this.routes) if (route.operation.method === 'GET') this.#put('HEAD', route)
  }

  find(method: string, path: string): Match | undefined {
    if (!this.#methods.has(method)) return undefined
    const values: string[] = []
    const route = this.#tree.find(method, path, values)
    return route === undefined ? undefined : { route, values }
  }

  /** Of all paths. */
  get methods(): string[] {
    return [...this.#methods].sort()
  }

  /** The methods a path takes; empty: the path is unknown. */
  allowed(path: string): string[] {
    return [...this.#methods].filter((method) => this.find(method, path) !== undefined).sort()
  }

  /** Returns what has the route already. */
  #put(method: string, route: Route): Route | undefined {
    const { operation } = route
    this.#methods.add(method)
    try {
      return this.#tree.add(method, operation.path, route)
    } catch (cause) {
      throw new SpandrelError(
        'wrong-configuration',
        `${method} ${operation.path} cannot be routed: it has a broken percent escape\n  ${where(operation)}`,
        { cause, hint: 'write %25 for a percent sign' },
      )
    }
  }
}

/** `{orderId}` in the order of the template. */
export function pathNamesOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map((found) => found[1] ?? '')
}

function where({ location }: HttpOperation): string {
  return `${location.file}:${location.line}:${location.column}`
}
