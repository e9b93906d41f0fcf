/** The body of a request with one value changed, in every place that belongs to the fingerprint; each still valid. */
import { type JsonSchema, SchemaCompiler } from '@spandrel/contract'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { isInside, type Place, placeOf, put } from './place.ts'

export interface ChangedBody {
  /** in words: `/amount/currency`, `the order of /tags` */
  readonly what: string
  readonly body: unknown
}

type Schemas = Readonly<Record<string, JsonSchema>>
type Keywords = Readonly<Record<string, unknown>>

/**
 * One for each number, text and truth value, and for each list that can be turned round. Left out: marker, key and what
 * `scope.by` names; what the schema does not declare, for a service may drop it unread; what has no other valid value;
 * the order of a list with `uniqueItems`, which is often meant as a set.
 */
export function changedBodies(operation: OperationFacts, schemas: Schemas, body: unknown): ChangedBody[] {
  const { idempotency, probe, bodySchema } = operation
  if (typeof idempotency === 'string' || body === null || typeof body !== 'object') return []
  const fingerprint: Place | undefined =
    idempotency.fingerprint === undefined ? { in: 'body', pointer: [] } : placeOf(idempotency.fingerprint)
  const kept = [
    probe.marker === undefined ? undefined : placeOf(probe.marker),
    placeOf(idempotency.key),
    typeof idempotency.scope === 'object' ? placeOf(idempotency.scope.by) : undefined,
  ].filter((place) => place?.in === 'body')
  const valid = validity(operation, schemas)
  const found: ChangedBody[] = []
  const add = (what: string, pointer: readonly string[], values: readonly unknown[]): void => {
    const place: Place = { in: 'body', pointer }
    if (!isInside(place, fingerprint) || kept.some((one) => isInside(one, place))) return
    for (const value of values) {
      const changed = put({ path: {}, query: {}, headers: {}, body }, place, value).body
      if (!valid(changed)) continue
      found.push({ what, body: changed })
      return
    }
  }
  const walk = (value: unknown, pointer: readonly string[], declared: readonly Keywords[]): void => {
    if (declared.length === 0 || declared.some(({ readOnly }) => readOnly === true)) return
    const name = `/${pointer.join('/')}`
    if (value === null || typeof value !== 'object') {
      add(name, pointer, others(value, declared))
      return
    }
    if (Array.isArray(value) && !declared.some(({ uniqueItems }) => uniqueItems === true)) {
      const turned = value.toReversed()
      if (JSON.stringify(turned) !== JSON.stringify(value)) add(`the order of ${name}`, pointer, [turned])
    }
    for (const [step, inner] of Object.entries(value))
      walk(
        inner,
        [...pointer, step],
        declared.flatMap((one) => below(one, step, schemas)),
      )
  }
  walk(body, [], alternatives(bodySchema ?? true, schemas))
  return found
}

/** Other values of the same kind, the likeliest to be valid first. */
function others(value: unknown, declared: readonly Keywords[]): unknown[] {
  const listed = declared.flatMap((one) => (Array.isArray(one['enum']) ? (one['enum'] as unknown[]) : []))
  if (listed.length > 0) return listed.filter((one) => one !== value)
  if (typeof value === 'boolean') return [!value]
  if (typeof value === 'number') return [value + 1, value - 1, value * 2, value + 10, value + 100, value / 2]
  if (typeof value !== 'string') return []
  // Another year has the same days, but for one.
  const year = value.replace(/^\d{4}(?=-\d\d-\d\d)/, (had) => String(Number(had) + 4))
  const digit = value.replace(/\d(?=\D*$)/, (had) => String((Number(had) + 1) % 10))
  const hex = value.replace(/[0-9a-f]$/i, (last) => (last === 'a' ? 'b' : 'a'))
  const inside = [year, hex, digit].filter((one) => one !== value)
  const longer = value.includes('@') ? [`2${value}`, `${value}2`] : [`${value}2`, `2${value}`]
  // A date or an id keeps its form.
  const formed = /^\d{4}-\d\d-\d\d|^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value)
  return [...(formed ? [...inside, ...longer] : [...longer, ...inside]), value.slice(0, -1)].filter((one) => one !== '')
}

function validity({ service, bodySchema }: OperationFacts, schemas: Schemas): (body: unknown) => boolean {
  if (bodySchema === undefined) return () => true
  try {
    const named = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, { name, schema }]))
    const compiler = new SchemaCompiler(service, named)
    const check = compiler.add(bodySchema)
    compiler.finish()
    return (body) => (check(body) ?? []).length === 0
  } catch {
    // Nobody can say what is valid: nothing but the marker is changed then.
    return () => false
  }
}

/** A schema and all that `$ref`, allOf, anyOf and oneOf add to it. */
function alternatives(schema: JsonSchema, schemas: Schemas, depth = 0): Keywords[] {
  if (schema === false || depth > 8) return []
  if (schema === true) return [{}]
  const { $ref, allOf, anyOf, oneOf } = schema as Readonly<Record<string, unknown>>
  const target = typeof $ref === 'string' ? schemas[$ref.replace('#/$defs/', '')] : undefined
  const more = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? (list as JsonSchema[]) : []))
  return [
    schema as Keywords,
    ...[...(target === undefined ? [] : [target]), ...more].flatMap((one) => alternatives(one, schemas, depth + 1)),
  ]
}

function below(schema: Keywords, step: string, schemas: Schemas): Keywords[] {
  const { properties, prefixItems, items, additionalProperties } = schema
  const inner =
    (properties as Record<string, JsonSchema> | undefined)?.[step] ??
    (prefixItems as JsonSchema[] | undefined)?.[Number(step)] ??
    (items as JsonSchema | undefined) ??
    (typeof additionalProperties === 'object' ? (additionalProperties as JsonSchema) : undefined)
  if (inner !== undefined) return alternatives(inner, schemas)
  // Nothing is said of what is in it: all of it is meant.
  const says = ['properties', 'patternProperties', '$ref', 'allOf', 'anyOf', 'oneOf', 'additionalProperties']
  return says.some((keyword) => schema[keyword] !== undefined) ? [] : [{}]
}
