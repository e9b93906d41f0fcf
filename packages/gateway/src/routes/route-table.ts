import type { HttpOperation } from '@spandrel/contract'
import { SpandrelError } from '@spandrel/runtime'
import { wrong } from '../options.ts'
import { Problem } from '../problem.ts'
import { PathTree } from './path-tree.ts'
import type { Route } from './route.ts'
import { Versions } from './versions.ts'

export interface Match {
  readonly route: Route
  /** decoded values, in the order of `route.pathNames` */
  readonly values: readonly string[]
}

/** Method, path and version → operation. */
export class RouteTable {
  readonly #tree = new PathTree<Versions>()
  readonly #methods = new Set<string>()
  readonly routes: Route[] = []

  /** `freePath`: where it could be offered instead, for the error that says it cannot be told from another. */
  add(route: Route, freePath: () => string): void {
    const other = this.#put(route.operation.method, route)
    if (other !== undefined) throw clash(route, other, freePath())
    this.routes.push(route)
  }

  /** HEAD is answered by GET where the contract has no HEAD of its own. Called once, after the last `add`. */
  finish(): void {
    for (const route of this.routes) if (route.operation.method === 'GET') this.#put('HEAD', route)
  }

  /** `rawHeaders`: they tell versions apart. */
  find(method: string, path: string, rawHeaders: readonly string[]): Match | undefined {
    const values: string[] = []
    const route = this.#at(method, path, values)?.find(rawHeaders)
    return route === undefined ? undefined : { route, values }
  }

  /** Of all paths. */
  get methods(): string[] {
    return [...this.#methods].sort()
  }

  /** Why there is no route: no such path, no such method there, or no such version. */
  refusal(method: string, path: string): Problem {
    const versions = this.#at(method, path, [])
    if (versions !== undefined) {
      const { headerName, values } = versions
      return new Problem('version-unknown', { detail: `Say in the header ${headerName} which: ${values.join(', ')}.` })
    }
    const allowed = [...this.#methods].filter((other) => this.#at(other, path, []) !== undefined).sort()
    if (allowed.length === 0) return new Problem('not-found')
    return new Problem('method-not-allowed', { headers: ['allow', allowed.join(', ')] })
  }

  #at(method: string, path: string, values: string[]): Versions | undefined {
    return this.#methods.has(method) ? this.#tree.find(method, path, values) : undefined
  }

  /** Returns the route that this one cannot be told from. */
  #put(method: string, route: Route): Route | undefined {
    const { operation, basePath } = route
    this.#methods.add(method)
    try {
      return this.#tree.add(method, basePath + operation.path, new Versions(route))?.add(route)
    } catch (cause) {
      throw new SpandrelError(
        'wrong-configuration',
        `${method} ${operation.path} cannot be routed: it has a broken percent escape\n  ${where(operation)}`,
        { cause, hint: 'write %25 for a percent sign' },
      )
    }
  }
}

function clash(route: Route, other: Route, freePath: string): SpandrelError {
  const { operation, service, basePath, version } = route
  const names = `${service}.${operation.operation} and ${other.service}.${other.operation.operation}`
  const places = `${where(other.operation)}\n  ${where(operation)}`
  const both = version === undefined || other.version === undefined ? undefined : { version, other: other.version }
  if (both === undefined) {
    return wrong(
      `${names} have the same route ${operation.method} ${basePath}${operation.path}:\n  ${places}`,
      service === other.service
        ? 'give one of them another path'
        : `give each a path of its own: services.${service}: { gateway: { path: ${freePath} } } in spandrel.yaml`,
    )
  }
  const why =
    both.version.header.toLowerCase() !== both.other.header.toLowerCase()
      ? `are told apart by two headers, ${both.other.header} and ${both.version.header}`
      : both.version.value === both.other.value
        ? `are both version ${both.version.value}`
        : 'are both the default'
  return wrong(
    `${names} have the same route ${operation.method} ${basePath}${operation.path}, and ${why}:\n  ${places}`,
    `correct gateway.version of services.${service} or services.${other.service} in spandrel.yaml`,
  )
}

/** `{orderId}` in the order of the template. */
export function pathNamesOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map((found) => found[1] ?? '')
}

function where({ location }: HttpOperation): string {
  return `${location.file}:${location.line}:${location.column}`
}
