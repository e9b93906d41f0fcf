import { basename } from 'node:path'
import type { SourceLocation } from '../model/location.ts'
import { pointerSteps } from '../source/pointer.ts'

/** Steps that say where something is kept, not what it is. */
const structural = new Set([
  'components',
  'schemas',
  'messages',
  'definitions',
  '$defs',
  'properties',
  'patternProperties',
  'additionalProperties',
  'schema',
  'content',
  'paths',
  'channels',
  'responses',
  'requestBodies',
  'parameters',
  'allOf',
  'anyOf',
  'oneOf',
])

/**
 * A type name for the schema at a place: the name its author gave it, else one made from the last steps of its
 * pointer (`/components/schemas/Order/properties/lines/items` → `OrderLinesItem`), else its file's.
 */
export function schemaName(at: SourceLocation): string {
  const steps = pointerSteps(at.pointer) ?? []
  const start = Math.max(...['schemas', 'definitions', '$defs', 'messages'].map((step) => steps.lastIndexOf(step)))
  const meaningful = steps
    .slice(start + 1)
    .filter((step) => !structural.has(step))
    .map((step) => (step === 'items' ? 'item' : step))
  const last = meaningful.slice(-3)
  const words = last.length > 0 ? last : [basename(at.file).replace(/(\.schema)?\.(ya?ml|json)$/, '')]
  // A name given by its author stays as it is; only made ones are cased.
  const [only = ''] = words
  if (words.length === 1 && /^[A-Z][A-Za-z0-9_]*$/.test(only)) return only
  const name = words.map(pascal).join('')
  return /^[A-Z]/.test(name) ? name : `Schema${name}`
}

function pascal(word: string): string {
  return word
    .split(/[^A-Za-z0-9]+/)
    .filter((part) => part !== '')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')
}
