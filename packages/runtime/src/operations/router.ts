/**
 * Method and path → operation. Paths without parameters are looked up; the others are tried one by one, the more
 * literal segments the earlier, so `/orders/mine` wins over `/orders/{orderId}`.
 */
import type { OperationContract } from '../contract/service-contract.ts'

interface Route {
  operation: OperationContract
  params: Readonly<Record<string, string>>
}

type Routed = { found: Route } | { found: undefined; allow: readonly string[] }

interface Template {
  pattern: RegExp
  names: readonly string[]
  methods: Map<string, OperationContract>
  literals: number
}

export interface Router {
  /** `allow` is empty where the path itself is unknown. */
  route(method: string, path: string): Routed
}

export function createRouter(operations: Iterable<OperationContract>): Router {
  const templates = new Map<string, Template>()
  for (const operation of operations) {
    let template = templates.get(operation.path)
    if (template === undefined) templates.set(operation.path, (template = compile(operation.path)))
    template.methods.set(operation.method.toUpperCase(), operation)
  }
  const literal = new Map([...templates].filter(([, template]) => template.names.length === 0))
  const patterns = [...templates.values()]
    .filter((template) => template.names.length > 0)
    .toSorted((a, b) => b.literals - a.literals)

  return {
    route(method, path) {
      const exact = literal.get(path)
      const allow = new Set<string>()
      if (exact !== undefined) {
        const found = pick(exact, method, allow)
        if (found !== undefined) return { found: { operation: found, params: {} } }
      }
      for (const template of patterns) {
        const match = template.pattern.exec(path)
        if (match === null) continue
        const found = pick(template, method, allow)
        if (found === undefined) continue
        const params = decode(template.names, match)
        if (params !== undefined) return { found: { operation: found, params } }
      }
      return { found: undefined, allow: [...allow].toSorted() }
    },
  }
}

/** HEAD is answered by GET where the contract has no HEAD of its own. */
function pick(template: Template, method: string, allow: Set<string>): OperationContract | undefined {
  const found = template.methods.get(method) ?? (method === 'HEAD' ? template.methods.get('GET') : undefined)
  if (found !== undefined) return found
  for (const name of template.methods.keys()) allow.add(name)
  if (template.methods.has('GET')) allow.add('HEAD')
  allow.add('OPTIONS')
  return undefined
}

function compile(path: string): Template {
  const names: string[] = []
  let literals = 0
  const segments = path.split('/').map((segment) => {
    if (!segment.includes('{')) literals++
    return segment.split(/(\{[^}]+\})/).map((part) => {
      if (!part.startsWith('{')) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
      names.push(part.slice(1, -1))
      return '([^/]+)'
    })
  })
  const pattern = new RegExp(`^${segments.map((parts) => parts.join('')).join('/')}$`)
  return { pattern, names, methods: new Map(), literals }
}

function decode(names: readonly string[], match: RegExpExecArray): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  try {
    for (const [index, name] of names.entries()) params[name] = decodeURIComponent(match[index + 1] ?? '')
  } catch {
    return undefined // not a valid percent encoding: no such path
  }
  return params
}
