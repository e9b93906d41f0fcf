/** Inputs that the schema of an operation rules out, one rule broken in each. */
import type { JsonSchema } from '@spandrel/contract'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { placeOf } from './place.ts'

export interface WrongInput {
  /** the keyword that is broken */
  readonly rule: string
  readonly about: string
  readonly input: unknown
}

type Schemas = Readonly<Record<string, JsonSchema>>
type Keywords = Readonly<Record<string, unknown>>

export function wrongInputs(operation: OperationFacts, schemas: Schemas): WrongInput[] {
  const { example, marker } = operation.probe
  if (example === null || typeof example !== 'object' || Array.isArray(example)) return []
  const schema = keywords(operation.bodySchema, schemas)
  if (schema === undefined) return []
  // Marker and key stay as they are, or nobody could find what the request did.
  const places = [
    marker === undefined ? undefined : placeOf(marker),
    typeof operation.idempotency === 'string' ? undefined : placeOf(operation.idempotency.key),
    operation.callback === undefined ? undefined : placeOf(operation.callback),
  ]
  const kept = new Set(places.map((place) => (place?.in === 'body' ? place.pointer[0] : undefined)))
  const found: WrongInput[] = []
  const input = example as Record<string, unknown>
  const add = (rule: string, about: string, change: Record<string, unknown>): void => {
    const changed = { ...input, ...change }
    for (const [name, value] of Object.entries(change)) if (value === undefined) delete changed[name]
    found.push({ rule, about, input: changed })
  }
  for (const name of (schema['required'] ?? []) as string[]) {
    if (!kept.has(name)) add('required', `without \`${name}\``, { [name]: undefined })
  }
  for (const [name, inner] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)) {
    const rules = keywords(inner, schemas)
    if (rules === undefined || kept.has(name)) continue
    for (const [rule, value] of broken(rules)) add(rule, `\`${name}\`: ${shown(value)}`, { [name]: value })
  }
  if (schema['additionalProperties'] === false)
    add('additionalProperties', 'with a member that does not exist', { spandrelVerify: 1 })
  return found
}

function* broken(rules: Keywords): Generator<[rule: string, value: unknown]> {
  const { type, minimum, maximum, exclusiveMinimum, maxLength, minLength } = rules as Record<string, unknown>
  if (typeof type === 'string') yield ['type', type === 'string' ? { not: 'a string' } : 'not of that type']
  if (Array.isArray(rules['enum'])) yield ['enum', 'spandrel-verify-no-such-value']
  if (typeof minimum === 'number') yield ['minimum', minimum - 1]
  if (typeof exclusiveMinimum === 'number') yield ['exclusiveMinimum', exclusiveMinimum]
  if (typeof maximum === 'number') yield ['maximum', maximum + 1]
  if (typeof maxLength === 'number' && maxLength < 10_000) yield ['maxLength', 'x'.repeat(maxLength + 1)]
  if (typeof minLength === 'number' && minLength > 0) yield ['minLength', 'x'.repeat(minLength - 1)]
}

function keywords(schema: JsonSchema | undefined, schemas: Schemas, depth = 0): Keywords | undefined {
  if (schema === undefined || typeof schema === 'boolean' || depth > 8) return undefined
  const reference = (schema as { $ref?: unknown }).$ref
  if (typeof reference !== 'string') return schema
  return keywords(schemas[reference.replace('#/$defs/', '')], schemas, depth + 1)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
