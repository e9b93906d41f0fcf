/** Two validators that share nothing with `accepts`, and little with each other. */
import {
  registerSchema,
  setShouldValidateFormat,
  unregisterSchema,
  validate,
} from '@hyperjump/json-schema/draft-2020-12'
import '@hyperjump/json-schema/formats-lite'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import type { JsonSchema } from '../../src/model/schema.ts'

export type Judge = (value: unknown) => boolean

let registered = 0

export async function hyperjump(
  schema: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>> = {},
): Promise<Judge> {
  setShouldValidateFormat(true)
  const uri = `https://example.org/accepts/${registered++}`
  registerSchema(withDefinitions(schema, definitions) as never, uri, 'https://json-schema.org/draft/2020-12/schema')
  const judge = await validate(uri)
  unregisterSchema(uri)
  return (value) => judge(value as never).valid
}

export function ajv(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>> = {}): Judge {
  const compiler = new Ajv2020({ strict: false, logger: false, meta: false, validateSchema: false })
  for (const [name, format] of Object.entries(fullFormats)) compiler.addFormat(name, format)
  // Where these keywords do not occur, the books that ajv keeps for them only make it write code that fails.
  compiler.opts.unevaluated = JSON.stringify([schema, definitions]).includes('"unevaluated')
  const validator = compiler.compile(withDefinitions(schema, definitions))
  return (value) => validator(value)
}

function withDefinitions(
  schema: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
): Record<string, unknown> {
  if (typeof schema === 'boolean') return schema ? {} : { not: {} }
  const own = schema['$defs']
  const names = typeof own === 'object' && own !== null ? { ...definitions, ...own } : definitions
  return Object.keys(names).length === 0 ? { ...schema } : { ...schema, $defs: names }
}
