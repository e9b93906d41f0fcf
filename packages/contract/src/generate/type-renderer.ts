/**
 * A JSON Schema as a TypeScript type. The type describes what the validator lets through, with these liberties:
 * keywords for objects or arrays without a `type` are taken to mean objects or arrays; what types cannot say (`not`,
 * `if`, lengths, patterns) is left to the validator; an object without `additionalProperties` shows only what it declares.
 */
import type { JsonSchema } from '../model/schema.ts'
import { isHidden } from '../schema/direction.ts'
import type { Tag } from '../schema/discriminator.ts'
import { docComment } from './doc-comment.ts'
import { memberName, quoted } from './names.ts'
import { isSchema, isSchemaObject, referenced, type SchemaObject } from './schema-keywords.ts'

/** How tightly a type's text binds: a part of a union or an intersection may need parentheses. */
type Binding = 'atom' | 'intersection' | 'union'

interface Rendered {
  readonly text: string
  readonly binding: Binding
}

/** What the renderer has to be told about names. */
export interface TypeScope {
  /** the type a reference stands for; undefined where naming it there would make an alias refer to itself */
  reference(name: string, unguarded: boolean): string | undefined
  /** by which member a discriminator tells this named schema; without a name: the schema itself, where it is whole */
  tag(schema: SchemaObject, name?: string): Tag | undefined
  /** a name of its own for an inner schema with a title; undefined: it is written in place */
  hoist(schema: SchemaObject): string | undefined
}

const UNKNOWN: Rendered = { text: 'unknown', binding: 'atom' }
const NEVER: Rendered = { text: 'never', binding: 'atom' }
const WIDTH = 100

/** The text of a type, as it stands after `type X = ` or `x: ` at this indentation. */
export function renderType(schema: JsonSchema, scope: TypeScope, indent = ''): string {
  return render(schema, { scope, indent, unguarded: true, whole: true }).text
}

interface Context {
  readonly scope: TypeScope
  readonly indent: string
  /** nothing (a member, an array) stands between the alias and this place */
  readonly unguarded: boolean
  /** this is all of a named schema: it is not to be hoisted */
  readonly whole: boolean
}

function inside(context: Context): Context {
  return { ...context, unguarded: false, whole: false }
}

function render(schema: JsonSchema, context: Context): Rendered {
  if (!isSchemaObject(schema)) return schema ? UNKNOWN : NEVER
  if (!context.whole) {
    const hoisted = context.scope.hoist(schema)
    if (hoisted !== undefined) return { text: hoisted, binding: 'atom' }
  }
  const part = { ...context, whole: false }
  const parts: Rendered[] = []
  const name = referenced(schema)
  if (name !== undefined) parts.push(reference(name, part))
  for (const each of schemasIn(schema, 'allOf')) parts.push(render(each, part))
  for (const keyword of ['anyOf', 'oneOf']) {
    const choices = schemasIn(schema, keyword)
    if (choices.length > 0)
      parts.push(
        union(
          choices.map((each) =>
            intersection([render(each, part), tagged(context.scope.tag(schema, referenced(each)))]),
          ),
          context.indent,
        ),
      )
  }
  if (context.whole) parts.push(tagged(context.scope.tag(schema)))
  const composed = parts.some((each) => each.text !== 'unknown')
  const own = ownType(schema, context, composed)
  return intersection(own === undefined ? parts : [own, ...parts])
}

function tagged(tag: Tag | undefined): Rendered {
  if (tag === undefined) return UNKNOWN
  // One object a value: TypeScript narrows by members of a single value only.
  const member = `${memberName(tag.member)}${tag.required ? '' : '?'}`
  const texts = tag.values.map((value) => `{ ${member}: ${quoted(value)} }`)
  return { text: texts.join(' | '), binding: texts.length === 1 ? 'atom' : 'union' }
}

function reference(name: string, context: Context): Rendered {
  const text = context.scope.reference(name, context.unguarded)
  return text === undefined ? UNKNOWN : { text, binding: 'atom' }
}

function schemasIn(schema: SchemaObject, keyword: string): JsonSchema[] {
  const list = schema[keyword]
  return Array.isArray(list) ? list.filter(isSchema) : []
}

/** What `type`, `enum`, `const` and the members say by themselves; undefined where they say nothing. */
function ownType(schema: SchemaObject, context: Context, composed: boolean): Rendered | undefined {
  const types = typesOf(schema)
  if ('const' in schema) return { text: valueType(schema['const']), binding: 'atom' }
  if (Array.isArray(schema['enum'])) {
    const allowed = schema['enum'].filter((value) => types === undefined || types.some((type) => isOfType(value, type)))
    return union(
      allowed.map((value) => ({ text: valueType(value), binding: 'atom' })),
      context.indent,
    )
  }
  const kinds = types ?? impliedTypes(schema)
  if (kinds.length === 0) return undefined
  if (composed && kinds.length === 1 && !saysMore(schema, kinds[0])) return undefined
  return union(
    kinds.map((kind) => typeOfKind(kind, schema, context)),
    context.indent,
  )
}

function typesOf(schema: SchemaObject): string[] | undefined {
  const type = schema['type']
  if (typeof type === 'string') return [type]
  return Array.isArray(type) ? type.filter((each) => typeof each === 'string') : undefined
}

const OBJECT_KEYWORDS = [
  'properties',
  'additionalProperties',
  'patternProperties',
  'required',
  'unevaluatedProperties',
  'propertyNames',
]
const ARRAY_KEYWORDS = ['items', 'prefixItems', 'contains', 'unevaluatedItems']

function impliedTypes(schema: SchemaObject): string[] {
  if (OBJECT_KEYWORDS.some((keyword) => keyword in schema)) return ['object']
  return ARRAY_KEYWORDS.some((keyword) => keyword in schema) ? ['array'] : []
}

/** Beside `allOf` and its like, a bare `type: object` adds nothing but noise. */
function saysMore(schema: SchemaObject, kind: string | undefined): boolean {
  if (kind === 'object')
    return ['properties', 'patternProperties', 'required', 'additionalProperties'].some((keyword) => keyword in schema)
  if (kind === 'array') return ['items', 'prefixItems'].some((keyword) => keyword in schema)
  return true
}

function typeOfKind(kind: string, schema: SchemaObject, context: Context): Rendered {
  switch (kind) {
    case 'integer':
    case 'number':
      return { text: 'number', binding: 'atom' }
    case 'string':
    case 'boolean':
    case 'null':
      return { text: kind, binding: 'atom' }
    case 'array':
      return arrayType(schema, context)
    case 'object':
      return objectType(schema, context)
    default:
      return UNKNOWN
  }
}

function arrayType(schema: SchemaObject, context: Context): Rendered {
  const items = isSchema(schema['items']) ? schema['items'] : true
  const first = schemasIn(schema, 'prefixItems')
  const inner = inside(context)
  if (first.length === 0) return { text: `${grouped(render(items, inner))}[]`, binding: 'atom' }
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0
  const most = typeof schema['maxItems'] === 'number' ? schema['maxItems'] : Number.POSITIVE_INFINITY
  const members = first
    .slice(0, most)
    .map((each, index) => (index < least ? render(each, inner).text : `${grouped(render(each, inner))}?`))
  const open = items !== false && schema['unevaluatedItems'] !== false && most > first.length
  if (open) members.push(`...${grouped(render(items, inner))}[]`)
  return { text: `[${members.join(', ')}]`, binding: 'atom' }
}

function objectType(schema: SchemaObject, context: Context): Rendered {
  const properties = isSchemaObject(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required'])
    ? schema['required'].filter((each) => typeof each === 'string')
    : []
  const inner = inside({ ...context, indent: `${context.indent}  ` })
  const rest = restOf(schema)
  const members: string[] = []
  const types = new Set<string>()
  let optional = false
  const add = (name: string, property: JsonSchema): void => {
    const type = render(property, inner).text
    const mark = required.includes(name) ? '' : '?'
    optional ||= mark === '?'
    types.add(type)
    members.push(`${docComment(property, inner.indent)}${inner.indent}${memberName(name)}${mark}: ${type}\n`)
  }
  for (const [name, property] of Object.entries(properties))
    if (isSchema(property) && !isHidden(property)) add(name, property)
  for (const name of required) if (!Object.hasOwn(properties, name)) add(name, rest.undeclared)
  for (const [prefix, each] of rest.prefixes)
    members.push(`${inner.indent}[key: \`${prefix}\${string}\`]: ${render(each, inner).text}\n`)
  if (rest.index.length > 0) {
    for (const each of rest.index) types.add(grouped(render(each, inner)))
    // An index signature covers the named members too, and an optional one may read as undefined.
    if (optional) types.add('undefined')
    const all = types.has('unknown') ? 'unknown' : [...types].join(' | ')
    members.push(`${inner.indent}[key: string]: ${all}\n`)
  }
  if (members.length === 0)
    return { text: rest.closed ? 'Record<string, never>' : 'Record<string, unknown>', binding: 'atom' }
  return { text: `{\n${members.join('')}${context.indent}}`, binding: 'atom' }
}

interface Rest {
  /** what any member that is not declared may be */
  readonly index: readonly JsonSchema[]
  /** what those are whose names begin so */
  readonly prefixes: ReadonlyMap<string, JsonSchema>
  /** there may be none */
  readonly closed: boolean
  /** the type of a required member that is not declared */
  readonly undeclared: JsonSchema
}

/** What members that are not declared may hold: their types where the schema says it, and whether there may be none. */
function restOf(schema: SchemaObject): Rest {
  const additional = schema['additionalProperties'] ?? schema['unevaluatedProperties']
  const patterns = Object.entries(
    isSchemaObject(schema['patternProperties']) ? schema['patternProperties'] : {},
  ).flatMap(([pattern, each]) => (isSchema(each) && each !== false ? [[pattern, each] as const] : []))
  const open = isSchema(additional) && additional !== false ? [additional] : []
  const prefixes = open.length === 0 ? prefixesOf(patterns, namesIn(schema)) : undefined
  const index = prefixes === undefined ? [...patterns.map(([, each]) => each), ...open] : []
  const closed = additional === false && index.length === 0 && (prefixes?.size ?? 0) === 0
  const undeclared = index.length === 1 && index[0] !== undefined ? index[0] : true
  return { index, prefixes: prefixes ?? new Map(), closed, undeclared }
}

function namesIn(schema: SchemaObject): string[] {
  const properties = isSchemaObject(schema['properties']) ? Object.keys(schema['properties']) : []
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  return [...properties, ...required]
}

/**
 * Patterns that only say how a name begins (`^x-`) become template keys. Undefined where one says more, or where a key
 * would also cover a declared member or another prefix: then all members share one index signature.
 */
function prefixesOf(
  patterns: readonly (readonly [string, JsonSchema])[],
  declared: readonly string[],
): Map<string, JsonSchema> | undefined {
  const found = new Map<string, JsonSchema>()
  for (const [pattern, schema] of patterns) {
    const prefix = /^\^((?:[\w\-/:@ ]|\\[.\-/])+)(?:\.\*\$?|\.\+\$?)?$/.exec(pattern)?.[1]?.replaceAll('\\', '')
    if (prefix === undefined || [...declared, ...found.keys()].some((name) => name.startsWith(prefix))) return undefined
    if ([...found.keys()].some((other) => prefix.startsWith(other))) return undefined
    found.set(prefix, schema)
  }
  return found
}

function union(members: readonly Rendered[], indent: string): Rendered {
  if (members.some((each) => each.text === 'unknown')) return UNKNOWN
  const texts = distinct(
    members.filter((each) => each.text !== 'never'),
    (each) => (each.binding === 'intersection' ? `(${each.text})` : each.text),
  )
  if (texts.length === 0) return NEVER
  if (texts.length === 1)
    return { text: texts[0] ?? '', binding: members.find((each) => each.text === texts[0])?.binding ?? 'atom' }
  const line = texts.join(' | ')
  if (line.length <= WIDTH || line.includes('\n')) return { text: line, binding: 'union' }
  return { text: texts.map((text) => `\n${indent}  | ${text}`).join(''), binding: 'union' }
}

function intersection(members: readonly Rendered[]): Rendered {
  const telling = members.filter((each) => each.text !== 'unknown')
  if (telling.some((each) => each.text === 'never')) return NEVER
  const [only] = telling
  if (only === undefined) return UNKNOWN
  const texts = distinct(telling, (each) => (each.binding === 'union' ? `(${each.text})` : each.text))
  return texts.length === 1 ? only : { text: texts.join(' & '), binding: 'intersection' }
}

function distinct(members: readonly Rendered[], text: (member: Rendered) => string): string[] {
  return [...new Set(members.map(text))]
}

function grouped(type: Rendered): string {
  return type.binding === 'atom' ? type.text : `(${type.text})`
}

/** The type with exactly this JSON value. */
function valueType(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(valueType).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(([name, member]) => `${memberName(name)}: ${valueType(member)}`)
  return members.length === 0 ? 'Record<string, never>' : `{ ${members.join('; ')} }`
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}
