/** Asks ajv, which shares nothing with the search, whether an instance is valid. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import type { JsonSchema } from '../model/schema.ts'
import { FORMATS } from '../generate/formats.ts'
import { assertionsOf, isSchemaObject } from '../generate/schema-keywords.ts'
import { patternFlags } from '../generate/typed-source.ts'
import { isMultiple } from './decimal.ts'
import { checkFormat } from './formats.ts'
import { HERE } from './schema-document.ts'
import type { SchemaNames } from './types.ts'

/** The validators of one side. A named schema is compiled once, however many schemas refer to it. */
export class Confirmation {
  readonly #names: SchemaNames | undefined
  readonly #validators = new Map<JsonSchema, ValidateFunction>()
  readonly #compilers = new Map<boolean, Ajv2020>()
  #unevaluated: boolean | undefined

  constructor(names: SchemaNames | undefined) {
    this.#names = names
  }

  /** Undefined where ajv cannot compile the schema, or fails in what it compiled it to. */
  validates(schema: JsonSchema, value: unknown): boolean | undefined {
    try {
      let validator = this.#validators.get(schema)
      if (validator === undefined) {
        validator = this.#compile(schema)
        this.#validators.set(schema, validator)
      }
      return validator(value)
    } catch {
      return undefined
    }
  }

  #compile(schema: JsonSchema): ValidateFunction {
    // Addresses inside a document of its own could meet those of another one.
    if (this.#names === undefined) return compiler(mentionsUnevaluated(schema)).compile(addressed(schema))
    this.#unevaluated ??= mentionsUnevaluated(this.#names)
    const unevaluated = this.#unevaluated || mentionsUnevaluated(schema)
    const ajv = this.#compilers.get(unevaluated) ?? withNames(this.#names, unevaluated)
    this.#compilers.set(unevaluated, ajv)
    return ajv.compile(addressed(named(schema)))
  }
}

/** Without an address of its own, ajv does not find what refers to the whole (`#`, `#anchor`) where it adds no schemas. */
function addressed(schema: JsonSchema): JsonSchema {
  return typeof schema === 'boolean' || '$id' in schema ? schema : { $id: HERE, ...schema }
}

/** ajv keeps books for these keywords in all that it compiles, and sometimes wrongly: only where they occur. */
function mentionsUnevaluated(value: unknown): boolean {
  return JSON.stringify(value).includes('"unevaluated')
}

function withNames(names: SchemaNames, unevaluated: boolean): Ajv2020 {
  const ajv = compiler(unevaluated)
  for (const [name, { schema }] of Object.entries(names)) ajv.addSchema(named(schema), address(name))
  return ajv
}

function address(name: string): string {
  return `names:/${encodeURIComponent(name)}`
}

/** Each named schema is a document of its own, which ajv compiles when it is needed. */
function named(schema: JsonSchema): JsonSchema {
  return rewritten(assertionsOf(schema)) as JsonSchema
}

function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten)
  if (!isSchemaObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === '$ref' && typeof inner === 'string') return [key, readdressed(inner)]
      return [key, key === 'enum' || key === 'const' ? inner : rewritten(inner)]
    }),
  )
}

function readdressed(reference: string): string {
  const found = /^#\/\$defs\/([^/]+)(\/.*)?$/.exec(reference)
  if (found === null) return reference
  const name = (found[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
  return `${address(name)}#${found[2] ?? ''}`
}

/** As the validators of generated contracts are: exact decimals, own members only, the same formats. */
function compiler(unevaluated: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: false,
    logger: false,
    meta: false,
    validateSchema: false,
    ownProperties: true,
    inlineRefs: false,
    addUsedSchema: false,
    code: { regExp: lenient },
  })
  ajv.opts.unevaluated = unevaluated
  for (const [name, type] of Object.entries(FORMATS)) {
    const known: unknown = (fullFormats as Readonly<Record<string, unknown>>)[name]
    if (type === 'string' && known !== undefined) {
      ajv.addFormat(name, { type, validate: (text: string) => checkFormat(name, text) })
    } else if (type === 'number') ajv.addFormat(name, { type, validate: (value: number) => checkFormat(name, value) })
  }
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    compile: (of: number) => (value: number) => isMultiple(value, of),
  })
  return ajv
}

function lenient(pattern: string, flags: string): RegExp {
  return new RegExp(pattern, patternFlags(pattern, flags))
}
lenient.code = 'new RegExp'
