import { relative } from 'node:path'
import type { Message } from '../model/message.ts'
import type { SourceLocation } from '../model/location.ts'
import type { HttpOperation } from '../model/operation.ts'
import type { JsonSchema, Schema } from '../model/schema.ts'
import type { Service, System } from '../model/system.ts'
import { Likeness } from '../schema/likeness.ts'
import { propertiesOf } from '../schema/look-through.ts'
import { allOf, answersFor, ownerOf, servicesOf } from './operations.ts'
import type { Rule, Violation } from './rule.ts'

/** Two can talk to each other. */
const MOST = 2

/** What has fewer names (an amount of money, a page, a pair of coordinates) is shared like a unit of measure. */
const NAMES = 5

export const canonicalModel: Rule = {
  id: 'canonical-model',
  severity: 'warning',
  area: 'coupling',
  formats: ['openapi', 'asyncapi', 'spandrel'],
  law: `no schema is shared by the contracts of more than ${MOST} owners, by reference or as a copy`,
  why:
    'One model for everybody belongs to nobody: a field that one team needs has to be agreed with all others, fits none ' +
    'of them, and is never removed. Each contract can say what it sends or reads in its own words; translating is ' +
    'cheap.\n\n' +
    'A copy has the same property names with the same types, at every depth; what differs in texts, examples, limits or ' +
    `\`required\` is still one. A schema counts from ${NAMES} property names on, those of its parts included. With fewer ` +
    'it is an amount of money or a page of a list, and two teams arrive at it without each other; only where the whole ' +
    'of a message or a body is one shared file, its size does not matter. Answers to errors do not count, nor do ' +
    'problem details (RFC 9457), CloudEvents and GeoJSON: to be the same everywhere is what they are for. Neither do ' +
    'documents without a `spandrel.yaml` and an `owner`, which may all be of one team. Of schemas inside each other, ' +
    'the outermost is named.',
  fix: 'let each contract describe what it sends or reads, and translate between them',
  *check({ system }) {
    const services = ownedServices(system)
    if (new Set(services.map(answersFor)).size <= MOST) return
    const groups = [...Map.groupBy(services.flatMap(modelsOf), ({ digest }) => digest).values()]
      .flatMap(sharedBy)
      .toSorted((a, b) => b.names - a.names)
    const told: Shared[] = []
    for (const group of groups) if (!told.some((outer) => isWithin(group, outer))) told.push(group)
    for (const shared of told) yield violationOf(shared, system)
  },
}

/** In documents alone nobody is named, and all of them may be of one team. */
function ownedServices(system: System): readonly Service[] {
  const services = servicesOf(system)
  const declared = !services.some(({ documents }) => documents.some(({ file }) => file === system.file))
  return declared ? services : services.filter((service) => ownerOf(service) !== undefined)
}

interface Model {
  readonly service: Service
  readonly schema: JsonSchema
  readonly name: string
  readonly at: SourceLocation
  readonly digest: string
  readonly names: number
  /** all of a message or a body, and no part of one */
  readonly whole: boolean
  /** itself and everything in it */
  readonly reach: ReadonlySet<JsonSchema>
}

interface Shared {
  readonly models: readonly Model[]
  readonly owners: readonly string[]
  readonly names: number
}

/** Of schemas that look the same: those that too many share. */
function sharedBy(alike: readonly Model[]): readonly Shared[] {
  const shared = (models: readonly Model[]): readonly Shared[] => {
    const owners = [...new Set(models.map(({ service }) => answersFor(service)))].sort()
    const [first] = models
    return first === undefined || owners.length <= MOST ? [] : [{ models, owners, names: first.names }]
  }
  if ((alike[0]?.names ?? 0) >= NAMES) return shared(alike)
  return [
    ...Map.groupBy(
      alike.filter(({ whole }) => whole),
      placeOf,
    ).values(),
  ].flatMap(shared)
}

function placeOf({ at }: Model): string {
  return `${at.file}#${at.pointer}`
}

/** Whoever shares the outer one shares this with it. */
function isWithin({ models }: Shared, outer: Shared): boolean {
  return models.every(({ service, schema }) =>
    outer.models.some((one) => one.service === service && one.reach.has(schema)),
  )
}

function violationOf({ models, owners, names }: Shared, { dir }: System): Violation {
  const [first, ...others] = models as readonly [Model, ...Model[]]
  const everyone = `${owners.length} owners: ${owners.join(', ')}`
  const places = new Set(others.filter((one) => placeOf(one) !== placeOf(first)).map(({ at }) => shown(at, dir)))
  const message =
    places.size === 0
      ? `\`${first.name}\` is shared by the contracts of ${everyone}`
      : `\`${first.name}\`, with its ${names} property names, is the same in the contracts of ${everyone} (also ${[...places].join(', ')})`
  return { at: first.at, subject: first.name, message }
}

function shown({ file, line }: SourceLocation, dir: string): string {
  return `${relative(dir, file)}:${line}`
}

/** What a service exchanges: its messages, requests and answers, and every named schema in them. */
function modelsOf(service: Service): readonly Model[] {
  const likeness = new Likeness(service.schemas)
  const named = new Map(Object.values(service.schemas).map((one) => [one.schema, one]))
  const wholes = allOf(service).flatMap((operation) =>
    operation.kind === 'http'
      ? bodiesOf(operation)
      : [...operation.messages, ...(operation.reply?.messages ?? [])].map(payloadOf),
  )
  const found = new Map<JsonSchema, Model>()
  const add = (schema: JsonSchema, name: string, at: SourceLocation, whole: boolean): void => {
    if (found.has(schema) || isStandard(schema, service)) return
    const reach = reachOf(schema, likeness, service)
    const names = new Set([...reach].flatMap((one) => Object.keys((one as { properties?: object }).properties ?? {})))
    if (names.size === 0) return
    found.set(schema, { service, schema, name, at, whole, reach, names: names.size, digest: likeness.digest(schema) })
  }
  for (const { name, schema: written, location } of wholes) {
    const schema = itself(written, service)
    const known = named.get(schema)
    add(schema, known?.name ?? name, known?.location ?? location, true)
    for (const part of reachOf(schema, likeness, service)) {
      const one = named.get(part)
      if (one !== undefined) add(part, one.name, one.location, false)
    }
  }
  return [...found.values()]
}

interface Whole extends Schema {
  readonly name: string
}

function payloadOf({ message, payload }: Message): Whole {
  return { name: message, ...payload }
}

/** Not what is answered to errors. */
function bodiesOf({ operation, requestBody, responses }: HttpOperation): readonly Whole[] {
  const answers = Object.values(responses).filter(({ status }) => /^[1-3]/.test(status))
  return [...(requestBody === undefined ? [] : [requestBody]), ...answers].flatMap(({ content }) =>
    content.flatMap(({ schema }) => (schema === undefined ? [] : [{ name: operation, ...schema }])),
  )
}

/** What a reference that says nothing else leads to. */
function itself(schema: JsonSchema, { schemas }: Service): JsonSchema {
  const seen = new Set<JsonSchema>()
  let one = schema
  while (typeof one === 'object' && Object.keys(one).length === 1 && typeof one['$ref'] === 'string') {
    const target: JsonSchema | undefined = schemas[one['$ref'].slice('#/$defs/'.length)]?.schema
    if (target === undefined || seen.has(target)) return one
    seen.add(target)
    one = target
  }
  return one
}

function reachOf(schema: JsonSchema, likeness: Likeness, service: Service): ReadonlySet<JsonSchema> {
  const reach = new Set<JsonSchema>()
  const queue: JsonSchema[] = [schema]
  for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
    if (typeof one === 'boolean' || reach.has(one) || isStandard(one, service)) continue
    reach.add(one)
    queue.push(...likeness.within(one))
  }
  return reach
}

/** Problem details, CloudEvents, GeoJSON: a standard's, and nobody's model. */
function isStandard(schema: JsonSchema, { schemas }: Service): boolean {
  const properties = propertiesOf(schema, schemas)
  const has = (...names: readonly string[]): boolean => names.every((name) => properties.has(name))
  return (
    has('type', 'title', 'status') ||
    has('specversion', 'source', 'type') ||
    (has('type') && (has('coordinates') || has('geometry') || has('features')))
  )
}
