import { createRequire } from 'node:module'
import Ajv04 from 'ajv-draft-04'
import { Ajv } from 'ajv'
import type { ErrorObject, Options, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

export type OfficialError = ErrorObject

const require = createRequire(import.meta.url)

/** `verbose` gives the schema beside an error: its names are what a misspelt one is compared with. */
const options: Options = {
  strict: false,
  logger: false,
  verbose: true,
  validateSchema: false,
  // In these schemas formats are annotations: `uri-reference` would reject templates that the specifications allow.
  validateFormats: false,
}

/**
 * The schemas that the OpenAPI and AsyncAPI initiatives publish, from the packages that carry them. Compiled when first
 * asked for: 0.1 to 0.5 s each, and most runs need one or two.
 */
const compiled = new Map<string, Validators>()

interface Validators {
  /** stops at the first fault */
  readonly first: ValidateFunction
  readonly all: () => ValidateFunction
}

export type OfficialFormat = 'swagger' | 'openapi' | 'asyncapi'

/** What the official schema says of a document; `[]` where it is valid, undefined where there is no such schema. */
export function officialErrors(
  format: OfficialFormat,
  version: string,
  document: unknown,
): readonly OfficialError[] | undefined {
  const validators = validatorsFor(format, version)
  if (validators === undefined) return undefined
  // A large valid document is judged by the faster one; only a broken one is read for all of its faults.
  if (validators.first(document) as boolean) return []
  const all = validators.all()
  all(document)
  return all.errors ?? []
}

function validatorsFor(format: OfficialFormat, version: string): Validators | undefined {
  const path = pathOf(format, version)
  const known = compiled.get(path)
  if (known !== undefined) return known
  let schema: object
  try {
    schema = require(path) as object
  } catch {
    // A version that came after this package: our own reading of the specification is all there is.
    return undefined
  }
  const draft04 = format === 'swagger' || version.startsWith('3.0')
  // AsyncAPI's brings the draft-07 meta-schema along.
  const make = (more: Options): ValidateFunction => {
    const all = { ...options, ...more }
    const ajv =
      format === 'asyncapi' ? new Ajv({ ...all, meta: false }) : draft04 ? new Ajv04.default(all) : new Ajv2020(all)
    return ajv.compile(schema)
  }
  const made = { first: make({}), all: () => make({ allErrors: true }) }
  compiled.set(path, made)
  return made
}

function pathOf(format: OfficialFormat, version: string): string {
  const minor = version.split('.').slice(0, 2).join('.')
  if (format === 'asyncapi') return `@asyncapi/specs/schemas/${minor}.0.json`
  return `@seriousme/openapi-schema-validator/schemas/v${format === 'swagger' ? '2.0' : minor}/schema.json`
}
