import { isDeepStrictEqual } from 'node:util'
import type { Schema } from '../../model/schema.ts'
import { pointerTo } from '../../source/pointer.ts'
import type { Change } from '../changes.ts'
import type { SchemaUse } from './schema-comparison.ts'
import type { schemaRules } from './schema-rules.ts'

type Report = (id: keyof typeof schemaRules, change: Change) => void

/** Whether nothing is to be told of the two; schemas that are read are another's business. */
export function sameUnread(before: Schema, after: Schema): boolean {
  return isDeepStrictEqual(before.unread, after.unread)
}

/** Schemas of which one at least is in a language that is not read: that they changed is all that is known. */
export function compareUnread(
  before: Schema | undefined,
  after: Schema | undefined,
  use: SchemaUse,
  report: Report,
): void {
  const at = after?.location ?? use.at ?? before?.location
  if (at === undefined) return
  const where = { at, base: before?.location ?? use.base, place: use.place, direction: use.direction }
  const [old, now] = [formatOf(before), formatOf(after)]
  if (old !== now) {
    const message = `${use.place}: its schema is in ${named(now)} now, and was in ${named(old)}; the two are not compared`
    // The same language in another version, or another way to write it down.
    if (essence(old) !== essence(now)) {
      report('schema-format-changed', { ...where, message, keyword: 'schemaFormat', before: old, after: now })
      return
    }
    const plainly = `${use.place}: its schema is in ${named(now)} now, and was in ${named(old)}`
    const change = { ...where, message: plainly, keyword: 'schemaFormat', before: old, after: now }
    report('schema-format-changed', { ...change, level: 'info' })
  }
  const path = firstDifference(before?.unread?.content, after?.unread?.content)
  if (path === undefined) return
  const question = use.direction === 'received' ? 'what was sent is still accepted' : 'what is sent still fits'
  const spot = path === '' ? '' : ` at \`${path}\``
  const message = `${use.place}: its schema changed${spot}; whether ${question} is not known: schemas in ${named(now)} are not read`
  report('schema-not-decided', {
    ...where,
    message,
    suggestion: 'compare the two by hand, or with a tool for that format',
  })
}

function formatOf(schema: Schema | undefined): string {
  if (schema?.unread !== undefined) return schema.unread.format
  return schema === undefined || schema.schema === true ? '' : 'JSON Schema'
}

function named(format: string): string {
  if (format === '') return 'no language'
  return format === 'JSON Schema' ? format : `\`${format}\``
}

/** `application/vnd.apache.avro+json;version=1.9.0` → `application/avro`. */
function essence(format: string): string {
  const [type = ''] = format.toLowerCase().split(';')
  return type
    .trim()
    .replace(/\+(json|yaml)$/, '')
    .replace(/\/(vnd\.apache\.|vnd\.google\.)/, '/')
}

/** JSON pointer to the first place where two values are not the same; undefined where there is none. */
function firstDifference(before: unknown, after: unknown, path = ''): string | undefined {
  if (isDeepStrictEqual(before, after)) return undefined
  const [old, now] = [members(before), members(after)]
  if (old === undefined || now === undefined || Array.isArray(before) !== Array.isArray(after)) return path
  for (const key of new Set([...now.keys(), ...old.keys()])) {
    if (!old.has(key) || !now.has(key)) return pointerTo(path, key)
    const found = firstDifference(old.get(key), now.get(key), pointerTo(path, key))
    if (found !== undefined) return found
  }
  return path
}

function members(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined
}
