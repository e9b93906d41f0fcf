/**
 * The types of one generated file: which schemas it needs, what each is called, and their declarations.
 *
 * Names: a schema of the service keeps its name in PascalCase; a provider's schema keeps its name too unless that is
 * taken by a different one, then the provider's name stands before it; what is left gets a number.
 */
import type { JsonSchema } from '../model/schema.ts'
import type { Service } from '../model/system.ts'
import { tagOf } from '../schema/discriminator.ts'
import { docComment } from './doc-comment.ts'
import { Names, pascalCase, RESERVED_TYPES } from './names.ts'
import { isSchemaObject, referenced, subschemas, type SchemaObject } from './schema-keywords.ts'
import { renderType, type TypeScope } from './type-renderer.ts'

interface Declaration {
  readonly name: string
  readonly service: Service
  readonly schema: JsonSchema
  /** the named schema it stands for or is a part of */
  readonly definition?: string
}

export class ServiceTypes {
  readonly #owner: Service
  readonly #names = new Names(RESERVED_TYPES)
  readonly #declarations: Declaration[] = []
  /** service and definition → type name */
  readonly #definitions = new Map<string, Declaration>()
  readonly #inline = new Map<string, string>()
  readonly #texts: string[] = []

  constructor(owner: Service) {
    this.#owner = owner
  }

  /** Gives names to everything these schemas refer to, in this order; later names make room for them. */
  reserve(service: Service, schemas: Iterable<JsonSchema>): void {
    for (const schema of schemas) {
      const name = referenced(schema)
      if (name !== undefined) this.#define(service, name)
      this.reserve(service, subschemas(schema))
    }
  }

  /** A name for a type that is written elsewhere. */
  claim(name: string): string {
    return this.#names.claim(name)
  }

  /** The type of a schema, as it can stand in another type. */
  typeOf(service: Service, schema: JsonSchema, indent: string): string {
    return renderType(schema, this.#scope(service), indent)
  }

  /** The same; where it would be more than a word, as a declaration of its own. */
  named(service: Service, schema: JsonSchema, name: string): string {
    if (!isSchemaObject(schema) || !deservesName(schema)) return this.typeOf(service, schema, '')
    const title = schema['title']
    return this.#declareInline(service, schema, typeof title === 'string' ? pascalCase(title) : name)
  }

  /** All declarations, in the order in which they were first needed. */
  declarations(): string {
    for (let index = this.#texts.length; index < this.#declarations.length; index++) {
      const declaration = this.#declarations[index]
      if (declaration === undefined) break
      const { name, service, schema, definition } = declaration
      const type = renderType(schema, this.#scope(service, definition))
      this.#texts.push(`${docComment(schema, '')}export type ${name} =${type.startsWith('\n') ? '' : ' '}${type}\n`)
    }
    return this.#texts.join('\n')
  }

  #define(service: Service, name: string): Declaration {
    const key = `${service.name}#${name}`
    const known = this.#definitions.get(key)
    if (known !== undefined) return known
    const schema = service.schemas[name]?.schema ?? true
    const declaration = this.#sharedWithOwner(service, name) ?? {
      name: this.#nameOf(service, name),
      service,
      schema,
      definition: name,
    }
    this.#definitions.set(key, declaration)
    if (declaration.service === service) {
      this.#declarations.push(declaration)
      this.reserve(service, subschemas(schema))
    }
    return declaration
  }

  #nameOf(service: Service, name: string): string {
    const wanted = pascalCase(name)
    if (service === this.#owner || this.#names.isFree(wanted)) return this.#names.claim(wanted)
    return this.#names.claim(`${pascalCase(service.name)}${wanted}`)
  }

  /** A provider's schema that is the owner's word for word needs no second type. */
  #sharedWithOwner(service: Service, name: string): Declaration | undefined {
    if (service === this.#owner) return undefined
    const own = this.#definitions.get(`${this.#owner.name}#${name}`)
    return own !== undefined && sameDefinition(this.#owner, service, name, new Set()) ? own : undefined
  }

  #declareInline(service: Service, schema: SchemaObject, wanted: string, within?: string): string {
    const key = `${service.name} ${wanted} ${JSON.stringify(schema)}`
    const known = this.#inline.get(key)
    if (known !== undefined) return known
    const name = this.#names.claim(wanted)
    this.#inline.set(key, name)
    this.#declarations.push({ name, service, schema, ...(within === undefined ? {} : { definition: within }) })
    return name
  }

  #scope(service: Service, current?: string): TypeScope {
    return {
      reference: (name, unguarded) => {
        const circular = unguarded && current !== undefined && reaches(service, name, current, new Set())
        return circular ? undefined : this.#define(service, name).name
      },
      tag: (schema, name = current) => (name === undefined ? undefined : tagOf(schema, name, service.schemas)),
      hoist: (schema) => {
        const title = schema['title']
        if (typeof title !== 'string' || !deservesName(schema)) return undefined
        return this.#declareInline(service, schema, pascalCase(title), current)
      },
    }
  }
}

/** Objects with members, choices and combinations; a plain string with a title is only documented by it. */
function deservesName(schema: SchemaObject): boolean {
  return ['properties', 'enum', 'allOf', 'anyOf', 'oneOf', 'prefixItems'].some((keyword) => keyword in schema)
}

/** Whether the alias `from` leads to `to` with no member or array between them, which TypeScript does not allow. */
function reaches(service: Service, from: string, to: string, seen: Set<string>): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return [...unguardedReferences(service.schemas[from]?.schema ?? true)].some((next) =>
    reaches(service, next, to, seen),
  )
}

function* unguardedReferences(schema: JsonSchema): Generator<string> {
  const name = referenced(schema)
  if (name !== undefined) yield name
  if (!isSchemaObject(schema)) return
  const { allOf, anyOf, oneOf } = schema
  for (const inner of subschemas({ allOf, anyOf, oneOf })) yield* unguardedReferences(inner)
}

function sameDefinition(one: Service, other: Service, name: string, assumed: Set<string>): boolean {
  if (assumed.has(name)) return true
  assumed.add(name)
  const [a, b] = [one.schemas[name]?.schema, other.schemas[name]?.schema]
  if (a === undefined || b === undefined || JSON.stringify(a) !== JSON.stringify(b)) return false
  return [...allReferences(a)].every((next) => sameDefinition(one, other, next, assumed))
}

function* allReferences(schema: JsonSchema): Generator<string> {
  const name = referenced(schema)
  if (name !== undefined) yield name
  for (const inner of subschemas(schema)) yield* allReferences(inner)
}
