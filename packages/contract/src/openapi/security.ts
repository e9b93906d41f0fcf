import { didYouMean } from '../findings/nearest.ts'
import type { SecurityAlternative, SecurityScheme } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import { entriesAt, entriesOf, field, listAt, placeOf, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'

/** The security schemes of a document, and what an operation asks of a caller. */
export class Security {
  readonly #schemes = new Map<string, SecurityScheme>()
  readonly #root: Node
  readonly #reading: Reading

  constructor(root: Node, reading: Reading) {
    this.#root = root
    this.#reading = reading
    for (const [name, { value }] of entriesAt(field(root, 'components'), 'securitySchemes')) {
      const scheme = this.#scheme(name, follow(value, reading))
      if (scheme !== undefined) this.#schemes.set(name, scheme)
    }
    this.of(root)
  }

  /** The operation's own `security`, else the document's. */
  of(operation: Node): readonly SecurityAlternative[] {
    const own = field(operation, 'security') === undefined ? this.#root : operation
    return listAt(own, 'security').map((alternative) => ({
      schemes: entriesOf(alternative).flatMap(([name, { keyAt, value }]) => {
        const scheme = this.#schemes.get(name)
        if (scheme === undefined) {
          const message = `there is no security scheme \`${name}\``
          const hint = didYouMean(name, this.#schemes.keys(), 'declare it in `components.securitySchemes`')
          this.#reading.findings.error(keyAt, 'unknown-security-scheme', message, hint)
          return []
        }
        const scopes = value.kind === 'list' ? value.items.map(text).filter((scope) => scope !== undefined) : []
        return [{ scheme, scopes }]
      }),
    }))
  }

  #scheme(name: string, node: Node | undefined): SecurityScheme | undefined {
    if (node === undefined) return undefined
    const type = textAt(node, 'type') as SecurityScheme['type'] | undefined
    if (type === undefined) return undefined
    for (const member of needs[type] ?? []) {
      if (field(node, member) !== undefined) continue
      const message = `the security scheme \`${name}\` of type ${type} has no \`${member}\``
      this.#reading.findings.error(placeOf(node), 'missing-member', message, `add \`${member}\``)
    }
    return {
      name,
      type,
      ...optional('in', textAt(node, 'in') as SecurityScheme['in']),
      ...optional('parameter', textAt(node, 'name')),
      ...optional('scheme', textAt(node, 'scheme')?.toLowerCase()),
      ...optional('bearerFormat', textAt(node, 'bearerFormat')),
      ...optional('openIdConnectUrl', textAt(node, 'openIdConnectUrl')),
      ...optional('flows', flowsOf(node)),
      location: placeOf(node),
    }
  }
}

/** The addresses where a token is asked for; undefined where there are no flows. */
export function flowsOf(scheme: Node): readonly string[] | undefined {
  const flows = entriesAt(scheme, 'flows').map(([flow, { value }]) => {
    const urls = ['authorizationUrl', 'deviceAuthorizationUrl', 'tokenUrl'].flatMap((key) => textAt(value, key) ?? [])
    return urls.length === 0 ? flow : `${flow} at ${urls.join(' and ')}`
  })
  return flows.length === 0 ? undefined : flows
}

const needs: Readonly<Record<string, readonly string[]>> = {
  apiKey: ['name', 'in'],
  http: ['scheme'],
  oauth2: ['flows'],
  openIdConnect: ['openIdConnectUrl'],
}

/** Whether a call can never be anonymous: every alternative names a scheme. */
export function tellsCallersApart(security: readonly SecurityAlternative[]): boolean {
  return security.length > 0 && security.every(({ schemes }) => schemes.length > 0)
}
