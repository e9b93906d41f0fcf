/**
 * Whether an instance is valid, by the parts of a schema. The search asks this of every candidate before it believes
 * in it; what leaves the package as a witness is confirmed by ajv as well.
 */
import { checkFormat } from './formats.ts'
import { isMultiple } from './decimal.ts'
import type { Part, PartOf } from './part.ts'
import { patternMatches } from './pattern-matches.ts'
import type { SchemaNode } from './schema-node.ts'
import { canonical, codePoints, isRecord, sameValue, typeOfValue } from './value.ts'

/** What was evaluated in one object or array, for `unevaluatedProperties` and `unevaluatedItems`. */
interface Evaluated {
  readonly names: Set<string>
  readonly items: Set<number>
}

/** References that lead back to themselves without going into the instance describe nothing. */
const DEEPEST = 400

export function holds(node: SchemaNode, value: unknown): boolean {
  return nodeHolds(node, value, undefined, 0)
}

export function partHolds(part: Part, value: unknown): boolean {
  // Alone, `unevaluated…` has to look at its whole schema first.
  if (part.kind === 'unevaluatedProperties' || part.kind === 'unevaluatedItems') {
    const evaluated: Evaluated = { names: new Set(), items: new Set() }
    for (const other of part.of.parts) if (other !== part) one(other, value, evaluated, 0)
    return one(part, value, evaluated, 0)
  }
  return one(part, value, undefined, 0)
}

function nodeHolds(node: SchemaNode, value: unknown, outer: Evaluated | undefined, depth: number): boolean {
  if (depth > DEEPEST) return true
  const { parts } = node
  const wanted = outer !== undefined || parts.some(({ kind }) => kind.startsWith('unevaluated'))
  const own: Evaluated | undefined = wanted ? { names: new Set(), items: new Set() } : undefined
  for (const part of parts) if (!one(part, value, own, depth)) return false
  if (outer !== undefined && own !== undefined) {
    for (const name of own.names) outer.names.add(name)
    for (const item of own.items) outer.items.add(item)
  }
  return true
}

function one(part: Part, value: unknown, seen: Evaluated | undefined, depth: number): boolean {
  switch (part.kind) {
    case 'never':
      return false
    case 'opaque':
      return true
    case 'type':
      return (part.mask & typeOfValue(value)) !== 0
    case 'enum':
      return part.values.some((each) => sameValue(each, value))
    case 'format':
      return checkFormat(part.format, value)
    case 'all':
      return nodeHolds(part.node, value, seen, depth + 1)
    case 'not':
      return !nodeHolds(part.node, value, undefined, depth + 1)
    case 'any':
      return count(part.nodes, value, seen, depth) > 0
    case 'one':
      return count(part.nodes, value, seen, depth) === 1
    case 'if': {
      const branch = nodeHolds(part.condition, value, seen, depth + 1) ? part.whenTrue : part.whenFalse
      return branch === undefined || nodeHolds(branch, value, seen, depth + 1)
    }
    default:
      if (typeof value === 'number') return numberHolds(part, value)
      if (typeof value === 'string') return stringHolds(part, value)
      if (Array.isArray(value)) return arrayHolds(part, value, seen, depth)
      return isRecord(value) ? objectHolds(part, value, seen, depth) : true
  }
}

/** All of them are looked at where it matters what they evaluate. */
function count(nodes: readonly SchemaNode[], value: unknown, seen: Evaluated | undefined, depth: number): number {
  return nodes.filter((node) => nodeHolds(node, value, seen, depth + 1)).length
}

function numberHolds(part: Part, value: number): boolean {
  switch (part.kind) {
    case 'minimum':
      return part.exclusive ? value > part.limit : value >= part.limit
    case 'maximum':
      return part.exclusive ? value < part.limit : value <= part.limit
    case 'multipleOf':
      return isMultiple(value, part.of)
    default:
      return true
  }
}

function stringHolds(part: Part, value: string): boolean {
  switch (part.kind) {
    case 'minLength':
      return codePoints(value) >= part.count
    case 'maxLength':
      return codePoints(value) <= part.count
    case 'pattern':
      return patternMatches(part.pattern, value)
    default:
      return true
  }
}

function arrayHolds(part: Part, value: readonly unknown[], seen: Evaluated | undefined, depth: number): boolean {
  switch (part.kind) {
    case 'minItems':
      return value.length >= part.count
    case 'maxItems':
      return value.length <= part.count
    case 'uniqueItems':
      return new Set(value.map(canonical)).size === value.length
    case 'prefixItem':
      if (part.index < value.length) seen?.items.add(part.index)
      return part.index >= value.length || nodeHolds(part.node, value[part.index], undefined, depth + 1)
    case 'items':
    case 'unevaluatedItems': {
      const skipped = (index: number): boolean =>
        part.kind === 'items' ? index < part.from : seen?.items.has(index) === true
      const bad = value.some((item, index) => !skipped(index) && !nodeHolds(part.node, item, undefined, depth + 1))
      for (const index of value.keys()) seen?.items.add(index)
      return !bad
    }
    case 'contains': {
      const matches = value.map((item) => nodeHolds(part.node, item, undefined, depth + 1))
      for (const [index, matching] of matches.entries()) if (matching) seen?.items.add(index)
      const found = matches.filter(Boolean).length
      return found >= part.min && found <= part.max
    }
    default:
      return true
  }
}

type Members = Readonly<Record<string, unknown>>

function objectHolds(part: Part, value: Members, seen: Evaluated | undefined, depth: number): boolean {
  const member = (name: string, node: SchemaNode): boolean => {
    seen?.names.add(name)
    return nodeHolds(node, value[name], undefined, depth + 1)
  }
  switch (part.kind) {
    case 'required':
      return Object.hasOwn(value, part.name)
    case 'minProperties':
      return Object.keys(value).length >= part.count
    case 'maxProperties':
      return Object.keys(value).length <= part.count
    case 'property':
      return !Object.hasOwn(value, part.name) || member(part.name, part.node)
    case 'patternProperty':
    case 'additional':
      return everyName(value, (name) => !concerns(part, name) || member(name, part.node))
    case 'unevaluatedProperties':
      return everyName(value, (name) => seen?.names.has(name) === true || member(name, part.node))
    case 'propertyNames':
      return everyName(value, (name) => nodeHolds(part.node, name, undefined, depth + 1))
    case 'dependentRequired':
      return !Object.hasOwn(value, part.name) || part.needs.every((name) => Object.hasOwn(value, name))
    case 'dependentSchema':
      return !Object.hasOwn(value, part.name) || nodeHolds(part.node, value, seen, depth + 1)
    default:
      return true
  }
}

/** Whether a member of this name is subject to the part. */
export function concerns(part: PartOf<'patternProperty'> | PartOf<'additional'>, name: string): boolean {
  if (part.kind === 'patternProperty') return patternMatches(part.pattern, name)
  return !part.names.has(name) && !part.patterns.some((pattern) => patternMatches(pattern, name))
}

/** Like `every`, but looks at all of them, as each may be evaluated by it. */
function everyName(value: Members, test: (name: string) => boolean): boolean {
  let result = true
  for (const name of Object.keys(value)) if (!test(name)) result = false
  return result
}
