import type { JsonSchema } from '../model/schema.ts'
import { isSchemaObject } from './schema-keywords.ts'

/** The comment of a type or member, with its line break; empty where a schema says nothing worth one. */
export function docComment(schema: JsonSchema, indent: string): string {
  if (!isSchemaObject(schema)) return ''
  const lines: string[] = []
  const description = schema['description'] ?? schema['title']
  if (typeof description === 'string') lines.push(...linesOf(description))
  if (typeof schema['format'] === 'string') lines.push(`@format ${oneLine(schema['format'])}`)
  if (schema['default'] !== undefined) lines.push(`@default ${oneLine(JSON.stringify(schema['default']))}`)
  if (schema['deprecated'] === true) lines.push('@deprecated')
  return comment(lines, indent)
}

export function comment(lines: readonly string[], indent: string): string {
  const safe = lines.map((line) => line.replaceAll('*/', '*\\/'))
  if (safe.length === 0) return ''
  if (safe.length === 1) return `${indent}/** ${safe[0]} */\n`
  return `${indent}/**\n${safe.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}

/** Text as lines, without empty ones at its ends. */
export function linesOf(text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => line.trimEnd())
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}
