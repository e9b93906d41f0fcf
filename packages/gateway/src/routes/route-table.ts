import createRouter, { type HTTPMethod, type HTTPVersion, type Instance } from 'find-my-way'
import type { HttpOperation } from '@spandrel/contract'
import { SpandrelError } from '@spandrel/runtime'
import type { Route } from './route.ts'

export interface Match {
  readonly route: Route
  /** decoded values, in the order of `route.pathNames` */
  readonly values: readonly string[]
}

/** Longer path parameters match nothing. */
const maxParameterLength = 1024

/** Method and path → operation. Literal segments win over parameters, whatever the order of services. */
export class RouteTable {
  readonly #router: Instance<HTTPVersion.V1> = createRouter({
    maxParamLength: maxParameterLength,
    // The query is read by the operation's own rules.
    querystringParser: () => nothing,
  })
  readonly #methods = new Set<string>()
  readonly #taken = new Map<string, HttpOperation>()
  readonly routes: Route[] = []

  add(route: Route): void {
    const { operation } = route
    this.#claim(operation.method, operation)
    this.routes.push(route)
    this.#on(operation.method, route)
  }

  /** HEAD is answered by GET where the contract has no HEAD of its own. Called once, after the last `add`. */
  finish(): void {
    for (const route of this.routes) {
      if (route.operation.method !== 'GET' || this.#taken.has(shape('HEAD', route.operation.path))) continue
      this.#taken.set(shape('HEAD', route.operation.path), route.operation)
      this.#on('HEAD', route)
    }
    this.#router.compile()
  }

  find(method: string, path: string): Match | undefined {
    if (!this.#methods.has(method)) return undefined
    const found = this.#router.find(method as HTTPMethod, path)
    if (found === null) return undefined
    const route = found.store as Route | undefined
    // The router's own answers for bad URLs have no store.
    if (route === undefined) return undefined
    const { pathNames } = route
    if (pathNames.length === 0) return { route, values: nothing }
    const values: string[] = []
    for (let index = 0; index < pathNames.length; index++) {
      const value = found.params[`p${index}`]
      // An empty segment is no parameter: `/orders/` is not `/orders/{orderId}`.
      if (value === undefined || value === '') return undefined
      values.push(value)
    }
    return { route, values }
  }

  /** The methods a path takes; empty: the path is unknown. */
  allowed(path: string): string[] {
    return [...this.#methods].filter((method) => this.find(method, path) !== undefined).sort()
  }

  #claim(method: string, operation: HttpOperation): void {
    const key = shape(method, operation.path)
    const other = this.#taken.get(key)
    if (other !== undefined) {
      throw new SpandrelError(
        'wrong-configuration',
        `${operation.service}.${operation.operation} and ${other.service}.${other.operation} have the same route ` +
          `${method} ${operation.path}:\n  ${where(other)}\n  ${where(operation)}`,
        { hint: 'give one of them another path, or put a gateway of its own before one of the services' },
      )
    }
    this.#taken.set(key, operation)
  }

  #on(method: string, route: Route): void {
    this.#methods.add(method)
    try {
      this.#router.on(method as HTTPMethod, pattern(route.operation), unused, route)
    } catch (cause) {
      throw new SpandrelError(
        'wrong-configuration',
        `${method} ${route.operation.path} cannot be routed: ${(cause as Error).message}\n  ${where(route.operation)}`,
        { cause },
      )
    }
  }
}

const nothing: readonly string[] & Record<string, string> = Object.freeze([]) as never

function unused(): void {}

/** Two templates that differ in the names of their parameters only match the same paths. */
function shape(method: string, path: string): string {
  return `${method} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`
}

/** `{orderId}` in the order of the template. */
export function pathNamesOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map((found) => found[1] ?? '')
}

/** OpenAPI template → find-my-way pattern. Parameters are numbered: their own names may hold what the router reads as syntax. */
function pattern(operation: HttpOperation): string {
  let number = 0
  return operation.path
    .split('/')
    .map((segment) => {
      if (/^\{[^}]*\}$/.test(segment)) return `:p${number++}`
      return segment
        .split(/(\{[^}]*\})/)
        .map((part) =>
          part.startsWith('{') && part.endsWith('}') ? `:p${number++}([^/]+?)` : literal(part, operation),
        )
        .join('')
    })
    .join('/')
}

function literal(text: string, operation: HttpOperation): string {
  if (text.includes('*')) {
    throw new SpandrelError(
      'wrong-configuration',
      `${operation.path} has a literal "*", which the gateway cannot route\n  ${where(operation)}`,
    )
  }
  return text.replaceAll(':', '::')
}

function where({ location }: HttpOperation): string {
  return `${location.file}:${location.line}:${location.column}`
}
