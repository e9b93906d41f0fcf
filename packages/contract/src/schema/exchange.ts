/**
 * What a schema means in one half of an HTTP exchange. OpenAPI: a member that is `readOnly` does not occur in requests,
 * one that is `writeOnly` not in responses; `required` then holds for the other half only (3.0.4, 4.7.24.2; later
 * versions keep the practice).
 */
import type { JsonSchema } from '../model/schema.ts'
import { isSchemaObject, mapSubschemas, type SchemaObject } from '../generate/schema-keywords.ts'
import { parts, propertiesOf, type Named } from './look-through.ts'

export type Exchange = 'request' | 'response'

const MARKS = { request: 'readOnly', response: 'writeOnly' } as const

/** Keywords whose schemas speak of the same object. Not `if`: a condition on what does not occur stays one. */
const SAME_OBJECT = new Set(['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas'])

/** Whether a member with this schema does not occur in this half: marked itself, or through references and `allOf`. */
function doesNotOccur(member: JsonSchema, exchange: Exchange, named: Named): boolean {
  return parts(member, named).some((part) => part[MARKS[exchange]] === true)
}

/** The members of the object that a schema describes, or is a part of, which do not occur; `outer`: those of the whole. */
export function absentMembers(
  schema: SchemaObject,
  exchange: Exchange,
  named: Named,
  outer: ReadonlySet<string>,
): ReadonlySet<string> {
  if (!('allOf' in schema || 'properties' in schema || 'required' in schema)) return outer
  const found = [...propertiesOf(schema, named)].filter(([, member]) => doesNotOccur(member, exchange, named))
  return found.length === 0 ? outer : new Set([...outer, ...found.map(([name]) => name)])
}

/** A copy with the schemas directly inside changed, told of the absent members where they speak of the same object. */
export function mapParts(
  schema: SchemaObject,
  absent: ReadonlySet<string>,
  change: (inner: JsonSchema, absent: ReadonlySet<string>) => JsonSchema,
): Record<string, unknown> {
  return mapSubschemas(schema, (inner, keyword) => change(inner, SAME_OBJECT.has(keyword) ? absent : none))
}

export const none: ReadonlySet<string> = new Set()

/** `required`, without what does not occur; undefined where nothing of it is absent. */
export function stillRequired(schema: SchemaObject, absent: ReadonlySet<string>): readonly unknown[] | undefined {
  const { required } = schema
  if (!Array.isArray(required) || !required.some((name) => absent.has(String(name)))) return undefined
  return required.filter((name) => !absent.has(String(name)))
}

/** `properties`, with the absent ones changed; undefined where there is none of them. */
export function withAbsent(
  properties: unknown,
  absent: ReadonlySet<string>,
  change: (name: string, member: unknown) => readonly (readonly [string, unknown])[],
): Readonly<Record<string, unknown>> | undefined {
  if (!isSchemaObject(properties) || !Object.keys(properties).some((name) => absent.has(name))) return undefined
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, member]) =>
      absent.has(name) ? change(name, member) : [[name, member]],
    ),
  )
}
