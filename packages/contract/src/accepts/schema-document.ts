/** One of the two documents: where its references lead, and the nodes of its schemas. */
import type { JsonSchema } from '../model/schema.ts'
import { pointerSteps, pointerTo } from '../source/pointer.ts'
import { isSchema, isSchemaObject } from '../generate/schema-keywords.ts'
import { SchemaNode, type Side } from './schema-node.ts'
import type { SchemaNames } from './types.ts'
import { canonical } from './value.ts'

/** Numbers for nodes and parts, unique in one comparison. */
export class Ids {
  #last = 0
  next(): number {
    return ++this.#last
  }
}

/** Where embedded resources and anchors stand (`$id`, `$anchor`, `$dynamicAnchor`), by absolute address. */
interface Index {
  readonly base: Map<object, string>
  readonly places: Map<string, { readonly schema: JsonSchema; readonly pointer: string }>
  readonly dynamic: Map<string, string[]>
}

/** A reference that leads nowhere we can see. Two of them that are the `same` lead to the same schema. */
interface Unresolved {
  readonly reason: string
  readonly same: string
}

/** Relative addresses need something to be relative to. */
export const HERE = 'schema:///root'

export class SchemaDocument {
  readonly side: Side
  readonly ids: Ids
  readonly #names: SchemaNames | undefined
  readonly #nodes = new Map<object, SchemaNode>()
  readonly #constants: Map<string, SchemaNode> = new Map()
  #root: JsonSchema = true
  #index: Index | undefined

  constructor(side: Side, ids: Ids, names?: SchemaNames) {
    this.side = side
    this.ids = ids
    this.#names = names
  }

  /** The node of a whole schema. Without names, references in it are resolved inside it. */
  enter(schema: JsonSchema): SchemaNode {
    this.#root = schema
    if (this.#names === undefined) this.#index = undefined
    return this.node(schema, '')
  }

  node(schema: JsonSchema, pointer: string): SchemaNode {
    const nodes: Map<unknown, SchemaNode> = typeof schema === 'boolean' ? this.#constants : this.#nodes
    const key = typeof schema === 'boolean' ? `${schema} ${pointer}` : schema
    let node = nodes.get(key)
    if (node === undefined) {
      node = new SchemaNode(this.ids.next(), schema, this, pointer)
      nodes.set(key, node)
    }
    return node
  }

  /** The schema a reference leads to, or why there is none. */
  resolve(from: SchemaNode, reference: string, keyword: '$ref' | '$dynamicRef'): SchemaNode | Unresolved {
    if (this.#names !== undefined) {
      const steps = pointerSteps(reference.slice(1)) ?? []
      const named = steps[0] === '$defs' ? this.#names[steps[1] ?? ''] : undefined
      if (named !== undefined) {
        const target = stepInto(named.schema, steps.slice(2))
        if (target !== undefined) return this.node(target, reference.slice(1))
      }
    }
    const index = (this.#index ??= indexOf(this.#root))
    const base = (typeof from.schema === 'object' ? index.base.get(from.schema) : undefined) ?? HERE
    const address = absolute(reference, base)
    const found = address === undefined ? undefined : find(index, address)
    if (found === undefined) {
      return { reason: `\`${keyword}: ${reference}\` leads to no schema that was given`, same: address ?? reference }
    }
    if (keyword === '$dynamicRef') {
      const anchor = isSchemaObject(found.schema) ? found.schema['$dynamicAnchor'] : undefined
      if (typeof anchor === 'string' && reference.endsWith(`#${anchor}`)) return this.#dynamic(index, anchor)
    }
    return this.node(found.schema, found.pointer)
  }

  /** The outermost schema resource wins; where that has no such anchor, which one does depends on how we came here. */
  #dynamic(index: Index, anchor: string): SchemaNode | Unresolved {
    const addresses = index.dynamic.get(anchor) ?? []
    const rootBase = isSchemaObject(this.#root) ? index.base.get(this.#root) : undefined
    const address = addresses.find((each) => each === `${rootBase}#${anchor}`) ?? addresses[0]
    const found = address === undefined ? undefined : index.places.get(address)
    const certain = addresses.length === 1 || address === `${rootBase}#${anchor}`
    if (found === undefined || !certain) {
      const reason = `\`$dynamicRef: #${anchor}\` depends on the way to it`
      return { reason, same: `${anchor} of ${canonical(this.#root)}` }
    }
    return this.node(found.schema, found.pointer)
  }
}

function absolute(reference: string, base: string): string | undefined {
  try {
    return new URL(reference, base).href
  } catch {
    return undefined
  }
}

function find(index: Index, address: string): { schema: JsonSchema; pointer: string } | undefined {
  const exact = index.places.get(address) ?? index.places.get(address.replace(/#$/, ''))
  if (exact !== undefined) return exact
  const [resource = '', fragment = ''] = address.split('#')
  const root = index.places.get(resource)
  const steps = pointerSteps(decoded(fragment))
  if (root === undefined || steps === undefined) return undefined
  const schema = stepInto(root.schema, steps)
  return schema === undefined ? undefined : { schema, pointer: steps.reduce<string>(pointerTo, root.pointer) }
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

function stepInto(schema: JsonSchema, steps: readonly string[]): JsonSchema | undefined {
  let at: unknown = schema
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string, unknown>)[step]
  }
  return isSchema(at) ? at : undefined
}

function indexOf(root: JsonSchema): Index {
  const index: Index = { base: new Map(), places: new Map(), dynamic: new Map() }
  index.places.set(HERE, { schema: root, pointer: '' })
  const visit = (value: unknown, base: string, pointer: string, data: boolean): void => {
    if (typeof value !== 'object' || value === null || index.base.has(value)) return
    let here = base
    if (isSchemaObject(value) && !data) {
      const { $id, $anchor, $dynamicAnchor } = value
      if (typeof $id === 'string' && !$id.startsWith('#')) {
        here = (absolute($id, base) ?? base).replace(/#.*$/, '')
        index.places.set(here, { schema: value, pointer })
      }
      // draft-07 wrote anchors as `$id: '#name'`.
      const anchors = [$anchor, $dynamicAnchor, String($id).startsWith('#') ? String($id).slice(1) : undefined]
      for (const anchor of anchors) {
        if (typeof anchor === 'string') index.places.set(`${here}#${anchor}`, { schema: value, pointer })
      }
      if (typeof $dynamicAnchor === 'string') {
        const known = index.dynamic.get($dynamicAnchor) ?? []
        index.dynamic.set($dynamicAnchor, [...known, `${here}#${$dynamicAnchor}`])
      }
    }
    index.base.set(value, here)
    for (const [key, inner] of Object.entries(value)) {
      visit(inner, here, pointerTo(pointer, key), data || key === 'enum' || key === 'const' || key === 'examples')
    }
  }
  visit(root, HERE, '', false)
  return index
}
