/**
 * OpenAPI's `discriminator` (AsyncAPI's is a bare member name), as the model carries it: `{ propertyName, mapping }`,
 * where `mapping` leads from a value to the `#/$defs/<Name>` it chooses. Names that the document leaves implicit are
 * filled in. It never decides whether a value is valid (OpenAPI 3.1.1, 4.8.25): types are narrowed by it, no more.
 */
import type { JsonSchema, NamedSchema } from '../model/schema.ts'
import { field, listAt, text, textAt } from '../source/node.ts'
import type { MapNode } from '../source/node.ts'
import { parts, propertiesOf, type Named } from './look-through.ts'

export interface Discriminator {
  readonly propertyName: string
  /** value → `#/$defs/<Name>` */
  readonly mapping: Readonly<Record<string, string>>
}

/** What a schema's own discriminator says, before its choices are known: value → reference, as written. */
interface Written {
  readonly propertyName: string
  readonly mapping: ReadonlyMap<string, string>
}

function writtenIn(node: MapNode): Written | undefined {
  const found = field(node, 'discriminator')
  const propertyName = text(found) ?? textAt(found, 'propertyName')
  if (propertyName === undefined) return undefined
  const mapping = new Map<string, string>()
  const entries = field(found, 'mapping')
  if (entries?.kind === 'map') {
    for (const [value, entry] of entries.entries) {
      const reference = text(entry.value)
      if (reference !== undefined) mapping.set(value, reference)
    }
  }
  return { propertyName, mapping }
}

/** The keyword for a schema that was read from `node`; `converted` has its choices, with references resolved. */
export function discriminatorOf(
  node: MapNode,
  converted: Readonly<Record<string, unknown>>,
): Discriminator | undefined {
  const written = writtenIn(node)
  if (written === undefined) return undefined
  const mapping: Record<string, string> = {}
  for (const keyword of ['oneOf', 'anyOf']) {
    const choices = converted[keyword]
    for (const [index, raw] of listAt(node, keyword).entries()) {
      const reference = textAt(raw, '$ref')
      const choice = Array.isArray(choices) ? (choices[index] as JsonSchema | undefined) : undefined
      const target = typeof choice === 'object' ? choice['$ref'] : undefined
      if (reference === undefined || typeof target !== 'string') continue
      for (const value of valuesFor(reference, written.mapping)) mapping[value] = target
    }
  }
  // The children of a base are found later, by what they are called: until then the mapping keeps what was written.
  if (Object.keys(mapping).length === 0) Object.assign(mapping, Object.fromEntries(written.mapping))
  return { propertyName: written.propertyName, mapping }
}

function valuesFor(reference: string, mapping: ReadonlyMap<string, string>): string[] {
  const name = lastStep(reference)
  const values = [...mapping].filter(([, target]) => target === reference || target === name).map(([value]) => value)
  return values.length > 0 ? values : [name]
}

function lastStep(reference: string): string {
  const step = reference.slice(Math.max(reference.lastIndexOf('/'), reference.lastIndexOf('#')) + 1)
  return step
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
    .replace(/\.(?:ya?ml|json)$/, '')
}

/** Base and child (`Cat: { allOf: [$ref: Pet] }`): the child learns the values by which the base chooses it. */
export function withInherited(named: ReadonlyMap<string, NamedSchema>): Record<string, NamedSchema> {
  const entries = [...named].map(([name, child]): [string, NamedSchema] => {
    const { schema } = child
    if (typeof schema !== 'object' || 'discriminator' in schema || !Array.isArray(schema['allOf'])) return [name, child]
    for (const part of schema['allOf'] as JsonSchema[]) {
      const reference = typeof part === 'object' ? part['$ref'] : undefined
      const base = typeof reference === 'string' ? named.get(reference.slice('#/$defs/'.length))?.schema : undefined
      const found = base === undefined ? undefined : discriminatorIn(base)
      if (found === undefined) continue
      const own = lastStep(child.location.pointer)
      const values = Object.keys(found.mapping).filter((value) => lastStep(found.mapping[value] ?? '') === own)
      const mapping = Object.fromEntries(
        (values.length > 0 ? values : [own]).map((value) => [value, `#/$defs/${name}`]),
      )
      return [name, { ...child, schema: { ...schema, discriminator: { propertyName: found.propertyName, mapping } } }]
    }
    return [name, child]
  })
  return Object.fromEntries(entries)
}

function discriminatorIn(schema: JsonSchema): Discriminator | undefined {
  const found = typeof schema === 'object' ? (schema['discriminator'] as Discriminator | undefined) : undefined
  return typeof found?.propertyName === 'string' && typeof found.mapping === 'object' ? found : undefined
}

/** The member of a choice that tells it from the others, and the values it has there. */
export interface Tag {
  readonly member: string
  readonly required: boolean
  readonly values: readonly string[]
}

/**
 * By what `schema` (which has the discriminator) knows the named schema. Undefined where the named one has no such
 * member, or its own words about the member do not allow these values: documents are wrong about this often enough,
 * and a type that nothing fits would be worse than one that does not narrow.
 */
export function tagOf(schema: JsonSchema, name: string, named: Named): Tag | undefined {
  const found = discriminatorIn(schema)
  const target = named[name]?.schema
  if (found === undefined || target === undefined) return undefined
  const own = discriminatorIn(target)
  if (
    target !== schema &&
    own?.propertyName === found.propertyName &&
    Object.values(own.mapping).includes(`#/$defs/${name}`)
  )
    return undefined
  const values = Object.keys(found.mapping).filter((value) => found.mapping[value] === `#/$defs/${name}`)
  const member = propertiesOf(target, named).get(found.propertyName)
  if (values.length === 0 || member === undefined) return undefined
  for (const part of parts(member, named)) {
    const types = [part['type']].flat().filter((type) => type !== undefined)
    const allowed = 'const' in part ? [part['const']] : Array.isArray(part['enum']) ? part['enum'] : undefined
    if (types.length > 0 && !types.includes('string')) return undefined
    if (allowed !== undefined && !values.every((value) => allowed.includes(value))) return undefined
  }
  const required = parts(target, named).some(
    (part) => Array.isArray(part['required']) && part['required'].includes(found.propertyName),
  )
  return { member: found.propertyName, required, values }
}
