import type { Route } from './route.ts'

/**
 * The routes of one method and path: one, or several versions of it, which a header tells apart. What cannot be told
 * apart is a mistake, found at start: the same value twice, two that are asked for without the header, two headers.
 */
export class Versions {
  readonly #routes: Route[] = []
  /** lower-case name of the header; undefined: there is one route, for every request */
  readonly header: string | undefined

  constructor(first: Route) {
    this.header = first.version?.header.toLowerCase()
    this.#routes.push(first)
  }

  /** Returns the route that it could not be told from, and then has not taken it. */
  add(route: Route): Route | undefined {
    const { version } = route
    const same = this.#routes.find(
      (other) =>
        version === undefined ||
        version.header.toLowerCase() !== this.header ||
        version.value === other.version?.value ||
        (version.default && other.version?.default === true),
    )
    if (same === undefined) this.#routes.push(route)
    return same
  }

  /** `rawHeaders`: name, value, name, value … */
  find(rawHeaders: readonly string[]): Route | undefined {
    if (this.header === undefined) return this.#routes[0]
    let asked: string | undefined
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (rawHeaders[index]?.toLowerCase() !== this.header) continue
      const value = rawHeaders[index + 1]?.trim() ?? ''
      // Two that differ name no version.
      asked = asked === undefined || asked === value ? value : ''
    }
    return this.#routes.find(({ version }) => (asked === undefined ? version?.default : version?.value === asked))
  }

  /** What may be asked for. */
  get values(): readonly string[] {
    return this.#routes.flatMap(({ version }) => version?.value ?? [])
  }

  /** As the contracts write it. */
  get headerName(): string {
    return this.#routes[0]?.version?.header ?? ''
  }
}
