/**
 * Compiles schemas to validators with ajv and returns their source, as TypeScript that needs ajv neither to be
 * compiled nor to run.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { _, type CodeKeywordDefinition } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import type { JsonSchema } from '../model/schema.ts'
import { FORMATS } from './formats.ts'
import { assertionsOf, isSchemaObject, referenced, subschemas } from './schema-keywords.ts'
import { patternFlags, typedSource, type TypedSource } from './typed-source.ts'

/** Schemas of one service that may refer to each other by `#/$defs/<name>`. */
export interface SchemaNamespace {
  readonly name: string
  readonly definitions: ReadonlyMap<string, JsonSchema>
}

/** A schema to compile, and what its function is to be called. */
export interface ValidatorRequest {
  readonly namespace: string
  readonly schema: JsonSchema
  readonly functionName: string
}

export interface ValidatorCode extends TypedSource {
  /** the name a function was asked for → the one it has; schemas that come to the same share one */
  readonly names: ReadonlyMap<string, string>
}

export function validatorCode(
  namespaces: readonly SchemaNamespace[],
  requests: readonly ValidatorRequest[],
): ValidatorCode {
  const ajv = compilerFor([
    ...namespaces.flatMap((each) => [...each.definitions.values()]),
    ...requests.map((each) => each.schema),
  ])
  const exported: Record<string, string> = {}
  for (const namespace of namespaces) {
    const roots: Record<string, JsonSchema> = {}
    for (const { functionName, schema, namespace: owner } of requests) {
      if (owner !== namespace.name) continue
      const name = referenced(schema)
      const whole = name !== undefined && Object.keys(assertionsOf(schema)).length === 1
      if (!whole) roots[functionName] = assertionsOf(schema)
      exported[functionName] = `${namespace.name}${whole ? `#/$defs/${name}` : `#/roots/${functionName}`}`
    }
    const definitions = [...namespace.definitions].map(([name, schema]) => [name, assertionsOf(schema)])
    ajv.addSchema({ $id: namespace.name, $defs: Object.fromEntries(definitions), roots })
  }
  // Asked for the same function under two names, ajv would write it twice.
  const aliases = new Map<string, string>()
  const first = new Map<unknown, string>()
  for (const [functionName, reference] of Object.entries(exported)) {
    const compiled = ajv.getSchema(reference)
    const known = first.get(compiled)
    if (known === undefined) first.set(compiled, functionName)
    else {
      aliases.set(functionName, known)
      delete exported[functionName]
    }
  }
  const { text, javascript, helpers } = typedSource(standalone.default(ajv, exported))
  return {
    text,
    javascript,
    helpers,
    names: new Map(requests.map(({ functionName }) => [functionName, aliases.get(functionName) ?? functionName])),
  }
}

function compilerFor(schemas: readonly JsonSchema[]): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    // Larger schemas are called by name: GitHub's 1,223 operations come to 21 MB in place of 38.
    inlineRefs: 8,
    allErrors: false,
    logger: false,
    meta: false,
    validateSchema: false,
    // `data.constructor` is there in every object; the check that sees through it costs something, so only on demand.
    ownProperties: schemas.some((schema) => mentions(schema, inheritedMember)),
    code: { source: true, esm: true, lines: true, formats: _`formats`, regExp: lenientRegExp },
  })
  // Bookkeeping for keywords that almost no contract uses, and that Ajv2020 otherwise writes into every function.
  ajv.opts.dynamicRef = false
  ajv.opts.unevaluated = schemas.some((schema) => mentions(schema, (keyword) => keyword.startsWith('unevaluated')))
  for (const [name, type] of Object.entries(FORMATS)) {
    // Only that a format exists, and for what, matters here; the checks themselves are the runtime's.
    if (type === 'string') ajv.addFormat(name, { type, validate: () => true })
    else ajv.addFormat(name, { type, validate: () => true })
  }
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword(exactMultipleOf)
  return ajv
}

/** Patterns are Unicode ones; but `[\w\-\.]` and its like, an error with the `u` flag, are all over the place. */
function lenientRegExp(pattern: string, flags: string): RegExp {
  return new RegExp(pattern, patternFlags(pattern, flags))
}
lenientRegExp.code = 'new RegExp'

function isMultipleOf(): boolean {
  throw new Error('stands for the runtime function of the same name')
}

/** ajv divides doubles, by which 19.99 is no multiple of 0.01. */
const exactMultipleOf: CodeKeywordDefinition = {
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  error: {
    message: ({ schemaCode }) => _`"must be multiple of " + ${schemaCode}`,
    params: ({ schemaCode }) => _`{multipleOf: ${schemaCode}}`,
  },
  code(context) {
    const call = context.gen.scopeValue('func', { ref: isMultipleOf, code: _`isMultipleOf` })
    context.fail(_`!${call}(${context.data}, ${context.schemaCode})`)
  },
}

function mentions(schema: JsonSchema, matches: (name: string) => boolean): boolean {
  if (!isSchemaObject(schema)) return false
  const properties = isSchemaObject(schema['properties']) ? Object.keys(schema['properties']) : []
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  const dependent = ['dependentRequired', 'dependentSchemas'].flatMap((keyword) => Object.keys(schema[keyword] ?? {}))
  if ([...Object.keys(schema), ...properties, ...required, ...dependent].some(matches)) return true
  for (const inner of subschemas(schema)) if (mentions(inner, matches)) return true
  return false
}

function inheritedMember(name: string): boolean {
  return name in Object.prototype
}
