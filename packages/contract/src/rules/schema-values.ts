import type { JsonSchema, NamedSchema } from '../model/schema.ts'

/** Every text in an `enum` or `const` anywhere inside a schema, references followed. */
export function lookUpValues(schema: JsonSchema, named: Readonly<Record<string, NamedSchema>>): readonly string[] {
  const found: string[] = []
  const seen = new Set<unknown>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'enum' && Array.isArray(inner)) found.push(...inner.filter((one) => typeof one === 'string'))
      else if (key === 'const' && typeof inner === 'string') found.push(inner)
      else if (key === '$ref' && typeof inner === 'string') visit(named[inner.slice('#/$defs/'.length)]?.schema)
      else visit(inner)
    }
  }
  visit(schema)
  return found
}
