/**
 * `readOnly` and `writeOnly`: one schema, two shapes (exchange.ts).
 *
 * Every operation's request and response schemas are rewritten for their direction. A named schema that is not the same
 * in one gets a second entry there: `Order` and `OrderRequest`. What does not belong in a direction is not required,
 * and marked `x-hidden`: types leave it out, validators still let it through, for the owner may ignore it.
 */
import type { HttpOperation, MediaType } from '../model/operation.ts'
import type { JsonSchema, NamedSchema, Schema } from '../model/schema.ts'
import type { Service, System } from '../model/system.ts'
import { isSchemaObject, referenced, subschemas, type SchemaObject } from '../generate/schema-keywords.ts'
import { absentMembers, type Exchange, mapParts, none, stillRequired, withAbsent } from './exchange.ts'
import type { Named } from './look-through.ts'

const HIDDEN = 'x-hidden'
const SUFFIXES = { request: 'Request', response: 'Response' } as const

/** Whether a member's schema was marked by `directed`: it does not belong where it stands. */
export function isHidden(schema: JsonSchema): boolean {
  return isSchemaObject(schema) && schema[HIDDEN] === true
}

/** The system as its operations are spoken: services, and the providers of their uses. */
export function directedSystem(system: System): System {
  const services = Object.fromEntries(
    Object.entries(system.services).map(([name, service]) => [name, directed(service)]),
  )
  return {
    ...system,
    services: Object.fromEntries(
      Object.entries(services).map(([name, service]) => [name, withUses(service, services)]),
    ),
  }
}

function withUses(service: Service, services: Readonly<Record<string, Service>>): Service {
  const uses = Object.entries(service.uses).map(([ref, use]) => {
    const provider = services[use.service]?.operations[use.operation] ?? use.provider
    return [ref, { ...use, provider }] as const
  })
  return { ...service, uses: Object.fromEntries(uses) }
}

/** A service whose operations have the schemas of their direction. Messages keep theirs: they are the whole. */
export function directed(service: Service): Service {
  const named = new Map(Object.entries(service.schemas))
  const directions = {
    request: new Direction('request', service.schemas, named),
    response: new Direction('response', service.schemas, named),
  }
  const operations = Object.entries(service.operations).map(([name, operation]) => [
    name,
    turned(operation, directions),
  ])
  return {
    ...service,
    operations: Object.fromEntries(operations) as Service['operations'],
    schemas: Object.fromEntries(named),
  }
}

function turned(
  operation: HttpOperation,
  { request, response }: { readonly request: Direction; readonly response: Direction },
): HttpOperation {
  const { requestBody } = operation
  const responses = Object.entries(operation.responses).map(([status, each]) => [
    status,
    { ...each, content: each.content.map((one) => response.content(one)) },
  ])
  return {
    ...operation,
    ...(requestBody && {
      requestBody: { ...requestBody, content: requestBody.content.map((one) => request.content(one)) },
    }),
    responses: Object.fromEntries(responses) as HttpOperation['responses'],
  }
}

class Direction {
  readonly #direction: Exchange
  readonly #source: Named
  /** every named schema of the service; entries for the direction are added */
  readonly #named: Map<string, NamedSchema>
  /** named schemas that are different in this direction */
  readonly #different: ReadonlySet<string>
  readonly #renamed = new Map<string, string>()

  constructor(direction: Exchange, source: Service['schemas'], named: Map<string, NamedSchema>) {
    this.#direction = direction
    this.#source = source
    this.#named = named
    this.#different = this.#findDifferent()
  }

  content(media: MediaType): MediaType {
    return media.schema === undefined ? media : { ...media, schema: this.#turnedSchema(media.schema) }
  }

  #turnedSchema(schema: Schema): Schema {
    return { ...schema, schema: this.#turned(schema.schema, none) }
  }

  /** Those with a marked member, and those that refer to one that is different. */
  #findDifferent(): Set<string> {
    const users = new Map<string, string[]>()
    const found: string[] = []
    for (const [name, { schema }] of Object.entries(this.#source)) {
      let marked = false
      for (const each of within(schema)) {
        marked ||= isSchemaObject(each) && absentMembers(each, this.#direction, this.#source, none).size > 0
        const target = referenced(each)
        if (target !== undefined) users.set(target, [...(users.get(target) ?? []), name])
      }
      if (marked) found.push(name)
    }
    const different = new Set(found)
    for (let name = found.pop(); name !== undefined; name = found.pop()) {
      for (const user of users.get(name) ?? []) {
        if (different.has(user)) continue
        different.add(user)
        found.push(user)
      }
    }
    return different
  }

  /** `outer`: marked members of the object that this schema is one part of. */
  #turned(schema: JsonSchema, outer: ReadonlySet<string>): JsonSchema {
    if (!isSchemaObject(schema)) return schema
    const hidden = absentMembers(schema, this.#direction, this.#source, outer)
    const result = mapParts(schema, hidden, (inner, absent) => this.#turned(inner, absent))
    const name = referenced(schema)
    if (name !== undefined && this.#different.has(name)) result['$ref'] = `#/$defs/${this.#nameOf(name)}`
    if (isSchemaObject(schema['discriminator'])) result['discriminator'] = this.#turnedMapping(schema['discriminator'])
    const required = stillRequired(schema, hidden)
    if (required !== undefined) result['required'] = required
    const properties = withAbsent(result['properties'], hidden, (key, member) => [
      [key, isSchemaObject(member) ? { ...member, [HIDDEN]: true } : member],
    ])
    if (properties !== undefined) result['properties'] = properties
    return result
  }

  #turnedMapping(discriminator: SchemaObject): SchemaObject {
    const mapping = Object.entries(isSchemaObject(discriminator['mapping']) ? discriminator['mapping'] : {})
    const turnedOnes = mapping.map(([value, target]) => {
      const name = String(target).slice('#/$defs/'.length)
      return [value, this.#different.has(name) ? `#/$defs/${this.#nameOf(name)}` : target]
    })
    return { ...discriminator, mapping: Object.fromEntries(turnedOnes) }
  }

  /** What the named schema is called in this direction; the first to ask has it made. */
  #nameOf(name: string): string {
    const known = this.#renamed.get(name)
    if (known !== undefined) return known
    const wanted = `${name}${SUFFIXES[this.#direction]}`
    let free = wanted
    for (let number = 2; this.#named.has(free); number++) free = `${wanted}${number}`
    this.#renamed.set(name, free)
    const original = this.#named.get(name)
    if (original === undefined) return name
    // Holds the place: the schema may refer to itself.
    this.#named.set(free, { ...original, name: free })
    this.#named.set(free, { ...original, name: free, schema: this.#turned(original.schema, none) })
    return free
  }
}

function* within(schema: JsonSchema): Generator<JsonSchema> {
  yield schema
  for (const inner of subschemas(schema)) yield* within(inner)
}
