/**
 * Runtime expressions of contracts, parsed when a contract is generated (guarantees.md, "Expressions"):
 * `$request.header.X`, `$request.body#/pointer`, `$request.query.x`, `$request.path.x`, `$request.jwt#/sub`,
 * `$message.payload#/pointer`, `$message.header#/x`, `$event.<attribute>`.
 */
export type Expression =
  | { source: 'request.header' | 'request.query' | 'request.path'; name: string }
  | { source: 'request.body' | 'request.jwt' | 'message.payload' | 'message.header'; pointer: readonly string[] }
  | { source: 'event'; attribute: string }

/** What an expression may look at; each part is absent where it makes no sense. */
export interface ExpressionInput {
  headers?: Readonly<Record<string, string | string[] | undefined>>
  query?: Readonly<Record<string, unknown>>
  path?: Readonly<Record<string, unknown>>
  body?: unknown
  jwt?: unknown
  payload?: unknown
  attributes?: Readonly<Record<string, string | undefined>>
}

/** The value as text (objects and arrays as JSON), or undefined where it is absent. */
export function evaluate(expression: Expression, input: ExpressionInput): string | undefined {
  switch (expression.source) {
    case 'request.header': {
      const value = own(input.headers, expression.name.toLowerCase())
      return text(Array.isArray(value) ? value[0] : value)
    }
    case 'request.query':
      return text(own(input.query, expression.name))
    case 'request.path':
      return text(own(input.path, expression.name))
    case 'request.body':
      return text(at(input.body, expression.pointer))
    case 'request.jwt':
      return text(at(input.jwt, expression.pointer))
    case 'message.payload':
      return text(at(input.payload, expression.pointer))
    case 'message.header':
      return text(at(input.attributes, expression.pointer))
    case 'event':
      return text(own(input.attributes, expression.attribute))
  }
}

function at(value: unknown, pointer: readonly string[]): unknown {
  let found = value
  for (const step of pointer) found = own(found, step)
  return found
}

/** Names come from a contract and values from strangers: what every object inherits is not in either. */
function own(value: unknown, name: string): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}
