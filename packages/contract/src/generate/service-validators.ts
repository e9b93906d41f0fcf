import type { JsonSchema } from '../model/schema.ts'
import type { Service } from '../model/system.ts'
import { Code } from './literal.ts'
import { asciiName, type Names, pascalCase } from './names.ts'
import { assertionsOf, referenced, subschemas } from './schema-keywords.ts'
import { validatorCode, type SchemaNamespace, type ValidatorCode, type ValidatorRequest } from './validator-code.ts'

/** The validators of one generated file: one function for each schema and name. */
export class ServiceValidators {
  readonly #names: Names
  readonly #functions = new Map<string, Code>()
  readonly #requests: ValidatorRequest[] = []
  readonly #services = new Map<string, Service>()

  /** `names` are those of the file's values: functions get names that are free there */
  constructor(names: Names) {
    this.#names = names
  }

  /** The function that checks this schema; a name suggests what it is called where it is the first to need it. */
  of(service: Service, schema: JsonSchema, name: string): Code {
    this.#services.set(service.name, service)
    const assertions = assertionsOf(schema)
    const reference = referenced(assertions)
    // Equal schemas of things that are not called alike stay apart: `checkLetterSent` for a book would mislead.
    const key = `${service.name} ${reference ?? name} ${JSON.stringify(assertions)}`
    const known = this.#functions.get(key)
    if (known !== undefined) return known
    const functionName = this.#names.claim(asciiName(`check${pascalCase(reference ?? name)}`))
    const code = new Code(functionName)
    this.#functions.set(key, code)
    this.#requests.push({ namespace: service.name, schema: assertions, functionName })
    return code
  }

  /** Compiles them all; from then on each `Code` that was given out has its final name. */
  code(): ValidatorCode {
    if (this.#requests.length === 0) return { text: '', javascript: '', names: new Map(), helpers: [] }
    const namespaces = [...this.#services.values()].map((service) => this.#namespace(service))
    const compiled = validatorCode(namespaces, this.#requests)
    for (const code of this.#functions.values()) code.text = compiled.names.get(code.text) ?? code.text
    return compiled
  }

  /** Only what is reachable, so that an unused schema costs nothing. */
  #namespace(service: Service): SchemaNamespace {
    const definitions = new Map<string, JsonSchema>()
    const visit = (schema: JsonSchema): void => {
      const name = referenced(schema)
      const target = name === undefined ? undefined : service.schemas[name]?.schema
      if (name !== undefined && target !== undefined && !definitions.has(name)) {
        definitions.set(name, target)
        visit(target)
      }
      for (const inner of subschemas(schema)) visit(inner)
    }
    for (const request of this.#requests) if (request.namespace === service.name) visit(request.schema)
    return { name: service.name, definitions }
  }
}
