import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonSchema, NamedSchema } from '../model/schema.ts'
import { pointerSteps } from '../source/pointer.ts'

export interface Fault {
  readonly pointer: readonly string[]
  /** `/quantity must be integer` */
  readonly text: string
}

/** Validators of one service, each compiled when it is first asked for. */
export class SchemaChecks {
  readonly #ajv: Ajv2020
  readonly #pointers: ReadonlyMap<JsonSchema, string>
  readonly #compiled = new Map<JsonSchema, ValidateFunction | undefined>()

  constructor(named: Readonly<Record<string, NamedSchema>>, schemas: readonly JsonSchema[]) {
    const definitions: Record<string, JsonSchema> = {}
    // ajv reads all that it is given: of a large document only what is needed.
    for (const name of reachable(schemas, named)) definitions[name] = named[name]?.schema ?? true
    const pointers = new Map<JsonSchema, string>(Object.entries(definitions).map(([name, schema]) => [schema, name]))
    // In one document with the named ones, as `#/$defs/…` means them wherever it stands.
    for (const schema of schemas) {
      if (typeof schema === 'boolean' || pointers.has(schema)) continue
      const name = `:${pointers.size}`
      pointers.set(schema, name)
      definitions[name] = schema
    }
    this.#pointers = pointers
    this.#ajv = new Ajv2020({ strict: false, logger: false, verbose: true, validateSchema: false, inlineRefs: false })
    addFormats.default(this.#ajv)
    this.#ajv.addSchema({ $id: 'spandrel:service', $defs: definitions })
  }

  /** What is wrong with a value; undefined where it fits, or where its schema cannot be compiled. */
  fault(schema: JsonSchema, value: unknown, answer: boolean): Fault | undefined {
    if (schema === true) return undefined
    const check = this.#validator(schema)
    if (check === undefined || check(value)) return undefined
    // Of the branches of a combinator nobody knows which was meant: the combinator says enough.
    const errors = (check.errors ?? []).filter((error) => !isExcused(error, answer))
    const outer = errors.filter(({ keyword }) => !['if', 'anyOf', 'oneOf', 'allOf'].includes(keyword))
    const [first] = outer.length > 0 ? outer : errors
    // Where only an excused error made a combinator fail, nothing certain is left.
    if (first === undefined || (outer.length === 0 && errors.length < (check.errors ?? []).length)) return undefined
    const pointer = pointerSteps(first.instancePath) ?? []
    return { pointer, text: `${first.instancePath} ${first.message ?? 'does not fit'}${detail(first)}`.trim() }
  }

  #validator(schema: JsonSchema): ValidateFunction | undefined {
    if (!this.#compiled.has(schema)) this.#compiled.set(schema, this.#compile(schema))
    return this.#compiled.get(schema)
  }

  #compile(schema: JsonSchema): ValidateFunction | undefined {
    const name = this.#pointers.get(schema)
    if (name === undefined) return undefined
    try {
      return this.#ajv.getSchema(
        `spandrel:service#/$defs/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`,
      )
    } catch {
      // A pattern that JavaScript does not know, for instance: the structure check speaks of that, not this one.
      return undefined
    }
  }
}

/** The names of all schemas that these refer to, and those refer to, and so on. */
function reachable(schemas: readonly JsonSchema[], named: Readonly<Record<string, NamedSchema>>): ReadonlySet<string> {
  const found = new Set<string>()
  const queue: unknown[] = [...schemas]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (typeof value !== 'object' || value === null) continue
    for (const [key, inner] of Object.entries(value)) {
      const name = key === '$ref' && typeof inner === 'string' ? inner.slice('#/$defs/'.length) : undefined
      if (name === undefined) queue.push(inner ?? true)
      else if (!found.has(name) && named[name] !== undefined) {
        found.add(name)
        queue.push(named[name].schema)
      }
    }
  }
  return found
}

function detail({ keyword, params }: ErrorObject): string {
  if (keyword === 'enum') return `: ${(params['allowedValues'] as readonly unknown[]).map(String).join(', ')}`
  return keyword === 'additionalProperties' ? `: ${String(params['additionalProperty'])}` : ''
}

/** A request need not have what is `readOnly`, an answer not what is `writeOnly`, though both may be `required`. */
function isExcused({ keyword, params, parentSchema }: ErrorObject, answer: boolean): boolean {
  if (keyword !== 'required') return false
  const properties = parentSchema?.['properties'] as Readonly<Record<string, JsonSchema>> | undefined
  const property = properties?.[params['missingProperty'] as string]
  return typeof property === 'object' && property[answer ? 'writeOnly' : 'readOnly'] === true
}
