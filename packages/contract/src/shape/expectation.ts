import type { Node } from '../source/node.ts'
import type { Shape, ShapeDefinitions, ShapeType } from './shape.ts'

/** Follows `$ref` of a shape. */
function resolveShape(shape: Shape, definitions: ShapeDefinitions): Shape {
  if (shape.$ref === undefined) return shape
  const name = shape.$ref.slice('#/$defs/'.length)
  const target = definitions[name]
  if (target === undefined) throw new Error(`our own schema refers to ${shape.$ref}, which does not exist`)
  const { $ref: _, ...beside } = shape
  return { ...resolveShape(target, definitions), ...beside }
}

/** The alternatives of a shape, flattened; a shape without `anyOf` is its only one. */
export function alternatives(shape: Shape, definitions: ShapeDefinitions): readonly Shape[] {
  const resolved = resolveShape(shape, definitions)
  if (resolved.anyOf === undefined) return [resolved]
  return resolved.anyOf.flatMap((branch) => alternatives(branch, definitions))
}

export function typesOf(shape: Shape): readonly ShapeType[] {
  if (shape.type !== undefined) return typeof shape.type === 'string' ? [shape.type] : shape.type
  const values = valuesOf(shape)
  if (values === undefined) return ['object', 'array', 'string', 'number', 'boolean', 'null']
  return values.map((value) => (value === null ? 'null' : (typeof value as 'string' | 'number' | 'boolean')))
}

export function valuesOf(shape: Shape): readonly (string | number | boolean | null)[] | undefined {
  return shape.const === undefined ? shape.enum : [shape.const]
}

export function hasType(node: Node, types: readonly ShapeType[]): boolean {
  if (node.kind === 'map') return types.includes('object')
  if (node.kind === 'list') return types.includes('array')
  if (node.value === null) return types.includes('null')
  if (typeof node.value === 'number') {
    return types.includes('number') || (types.includes('integer') && Number.isInteger(node.value))
  }
  return types.includes(typeof node.value as 'string' | 'boolean')
}

const words: Record<ShapeType, string> = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'null',
}

/** `one of reject, wait`, `an object`, `text or a list`, `an ISO 8601 duration`. */
export function expectation(shapes: readonly Shape[]): string {
  const values = shapes.flatMap((shape) => valuesOf(shape) ?? [])
  const others = shapes
    .filter((shape) => valuesOf(shape) === undefined)
    .flatMap((shape) => (shape.title === undefined ? typesOf(shape).map((type) => words[type]) : [shape.title]))
  const parts = [...new Set(others)]
  if (values.length > 0) parts.unshift(values.length === 1 ? `\`${values[0]}\`` : `one of ${values.join(', ')}`)
  return parts.length < 2 ? (parts[0] ?? 'nothing') : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`
}
