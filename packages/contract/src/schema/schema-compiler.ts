import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonSchema, NamedSchema } from '../model/schema.ts'

/** How many faults of one value are told: one schema can find thousands in a bounded body. */
const maxFaults = 20

/** A compiled schema: undefined when the value fits, else its faults, bounded. */
export type SchemaCheck = (value: unknown) => readonly SchemaFault[] | undefined

export interface SchemaFault {
  /** JSON pointer into the value; empty: the value itself */
  readonly pointer: string
  readonly detail: string
}

/**
 * Compiles the schemas of one service. They share one root, so that a named schema is compiled once however many
 * operations refer to it (`#/$defs/<Name>`, the only reference form in the model).
 */
export class SchemaCompiler {
  readonly #ajv = new Ajv2020({
    // The contract has been checked already; here an unknown keyword or format is an annotation.
    strict: false,
    logger: false,
    // All faults at once is a denial of service by a body of many small ones.
    allErrors: false,
    // Parameters are coerced by our own reader, which knows styles; bodies are forwarded as they are.
    coerceTypes: false,
    useDefaults: false,
  })
  readonly #id: string
  readonly #definitions: Record<string, JsonSchema> = {}
  #pending: { name: string; ready: (validate: ValidateFunction) => void }[] = []

  constructor(service: string, schemas: Readonly<Record<string, Pick<NamedSchema, 'name' | 'schema'>>>) {
    // ajv-formats is CommonJS: under nodenext its default export is the module itself for some loaders.
    addFormats.default(this.#ajv)
    this.#id = `urn:spandrel:${encodeURIComponent(service)}`
    for (const named of Object.values(schemas)) this.#definitions[named.name] = named.schema
  }

  /** A check for one schema. It may be called once `finish` has run. */
  add(schema: JsonSchema): SchemaCheck {
    // A dot is never part of the name of a named schema.
    const name = `.${this.#pending.length}`
    this.#definitions[name] = schema
    let validate: ValidateFunction | undefined
    this.#pending.push({ name, ready: (compiled) => (validate = compiled) })
    return (value) => {
      if (validate === undefined) throw new Error('SchemaCompiler.finish has not run')
      try {
        if (validate(value)) return undefined
      } catch (error) {
        // A recursive schema meets a value nested deeper than the stack: that is the value's fault.
        if (error instanceof RangeError) return [{ pointer: '', detail: 'is nested too deeply' }]
        throw error
      }
      return (validate.errors ?? []).slice(0, maxFaults).map(faultOf)
    }
  }

  /** Compiles everything that was added; throws ajv's error for a schema that cannot be compiled. */
  finish(): void {
    this.#ajv.addSchema({ $id: this.#id, $defs: this.#definitions })
    for (const { name, ready } of this.#pending) {
      const validate = this.#ajv.getSchema(`${this.#id}#/$defs/${name}`)
      if (validate === undefined) throw new Error(`schema ${name} was not found`)
      ready(validate as ValidateFunction)
    }
    this.#pending = []
  }
}

function faultOf(error: ErrorObject): SchemaFault {
  const parameters = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return { pointer: error.instancePath, detail: `lacks ${JSON.stringify(parameters['missingProperty'])}` }
    case 'additionalProperties':
      return {
        pointer: error.instancePath,
        detail: `has ${JSON.stringify(parameters['additionalProperty'])}, which is not declared`,
      }
    case 'unevaluatedProperties':
      return {
        pointer: error.instancePath,
        detail: `has ${JSON.stringify(parameters['unevaluatedProperty'])}, which is not declared`,
      }
    case 'enum':
      return { pointer: error.instancePath, detail: `must be one of ${shown(parameters['allowedValues'])}` }
    case 'const':
      return { pointer: error.instancePath, detail: `must be ${shown(parameters['allowedValue'])}` }
    default:
      return { pointer: error.instancePath, detail: error.message ?? `fails ${error.keyword}` }
  }
}

function shown(value: unknown): string {
  const text = Array.isArray(value) ? value.map((one) => JSON.stringify(one)).join(', ') : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
