import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema, NamedSchema } from '../../model/schema.ts'

type Named = Readonly<Record<string, NamedSchema>>

/**
 * Most schemas of two versions are the same. A named schema has changed where its own text has, or where one that it
 * refers to has; whatever refers to none of those, and has the same text, need not be compared.
 */
export class Unchanged {
  readonly #changed: ReadonlySet<string>

  constructor(base: Named, revision: Named) {
    const changed = new Set<string>()
    const users = new Map<string, string[]>()
    for (const name of new Set([...Object.keys(base), ...Object.keys(revision)])) {
      const [before, after] = [base[name], revision[name]]
      if (!isDeepStrictEqual(before?.schema, after?.schema)) changed.add(name)
      for (const target of after === undefined ? [] : referencesOf(after.schema)) {
        users.set(target, [...(users.get(target) ?? []), name])
      }
    }
    const queue = [...changed]
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      for (const user of users.get(name) ?? []) {
        if (changed.has(user)) continue
        changed.add(user)
        queue.push(user)
      }
    }
    this.#changed = changed
  }

  same(before: JsonSchema, after: JsonSchema): boolean {
    if (!isDeepStrictEqual(before, after)) return false
    for (const name of referencesOf(after)) if (this.#changed.has(name)) return false
    return true
  }
}

function referencesOf(schema: JsonSchema): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) return value.forEach(visit)
    for (const [key, inner] of Object.entries(value)) {
      if (key === '$ref' && typeof inner === 'string') found.add(inner.slice('#/$defs/'.length))
      else visit(inner)
    }
  }
  visit(schema)
  return found
}
