import type { SourceLocation } from '../model/location.ts'
import type { JsonSchema, Schema } from '../model/schema.ts'
import type { Service } from '../model/system.ts'
import { entriesAt, field, listAt, plain } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { allOf, nameOf, servicesOf } from './operations.ts'
import type { Operation } from './operations.ts'
import type { Rule, RuleContext, Violation } from './rule.ts'
import { SchemaChecks } from './schema-checks.ts'

/** A generated document with one systematic fault has thousands of examples that do not fit: these show it. */
const MOST_WRONG = 10

/** Each schema is compiled for its examples, 1 to 20 ms each; a document of 12 MB has 1,500 of them. */
const MOST = 250

export const exampleFitsSchema: Rule = {
  id: 'example-fits-schema',
  severity: 'warning',
  area: 'schema',
  formats: ['openapi', 'asyncapi'],
  law: 'an example is an instance of its schema',
  why:
    'People read the example and skip the schema; mock servers and tests are fed with it. An example that the schema ' +
    'rejects means that one of them is wrong, and nobody knows which.',
  fix: 'correct the example, or the schema',
  *check(context) {
    for (const service of servicesOf(context.system)) {
      // A vendor's documentation is theirs to mend.
      if (service.external) continue
      const all = unique(examplesOf(service, context))
      const examples = all.slice(0, MOST)
      const checks = new SchemaChecks(
        service.schemas,
        examples.map(({ schema }) => schema),
      )
      const wrong = new Set<Node>()
      let checked = 0
      for (const { node, schema, subject, answer } of examples) {
        if (wrong.size === MOST_WRONG) break
        checked++
        const fault = wrong.has(node) ? undefined : checks.fault(schema, plain(node), answer)
        if (fault === undefined) continue
        wrong.add(node)
        const message = `this example does not fit its schema: ${fault.text}`
        yield { at: placeOfFault(node, fault.pointer), subject, message }
      }
      const next = all[checked]
      if (next !== undefined) yield notAllOf(service, checked, all.length, next.node)
    }
  },
}

/** What was not looked at is said: silence would mean that all is well. */
function notAllOf(service: Service, checked: number, all: number, next: Node): Violation {
  return {
    at: next.at,
    subject: service.name,
    severity: 'info',
    message: `${checked} of ${all} examples were checked; those from here on were not`,
    fix: 'mend what was found, or split the document',
  }
}

interface Example {
  readonly node: Node
  readonly schema: JsonSchema
  readonly subject: string
  /** it is sent back: `writeOnly` members are not in it; in a request `readOnly` ones are not */
  readonly answer: boolean
}

function* examplesOf(service: Service, context: RuleContext): Iterable<Example> {
  for (const operation of allOf(service)) {
    if (operation.kind === 'http') yield* ofHttp(operation, context)
    else yield* ofMessages(operation, context)
  }
  for (const { name, schema, location } of Object.values(service.schemas)) {
    const node = context.node(location.file, location.pointer)
    const subject = `${service.name}.${name}`
    for (const example of ofSchema(node)) yield { node: example, schema, subject, answer: true }
    const properties = typeof schema === 'object' ? schema['properties'] : undefined
    for (const [property, { value }] of entriesAt(node, 'properties')) {
      const inner = (properties as Readonly<Record<string, JsonSchema>> | undefined)?.[property]
      if (inner === undefined) continue
      for (const example of ofSchema(value)) yield { node: example, schema: inner, subject, answer: true }
    }
  }
}

/** The member is `example` in OpenAPI, `examples` in JSON Schema. */
function ofSchema(node: Node | undefined): readonly Node[] {
  const one = field(node, 'example')
  return [...(one === undefined ? [] : [one]), ...listAt(node, 'examples')]
}

function* ofHttp(operation: Extract<Operation, { kind: 'http' }>, context: RuleContext): Iterable<Example> {
  const subject = nameOf(operation)
  for (const parameter of operation.parameters) {
    // Where `content` describes it, the example is text in that format.
    if (parameter.contentType !== undefined) continue
    const node = context.follow(context.node(parameter.location.file, parameter.location.pointer))
    yield* ofMedia(node, parameter.schema, context).map((one) => ({ ...one, subject, answer: false }))
  }
  const bodies = [
    ...(operation.requestBody === undefined ? [] : [{ part: operation.requestBody, answer: false }]),
    ...Object.values(operation.responses).map((part) => ({ part, answer: true })),
  ]
  for (const { part, answer } of bodies) {
    const node = context.follow(context.node(part.location.file, part.location.pointer))
    for (const [contentType, { value }] of entriesAt(node, 'content')) {
      const media = part.content.find((one) => one.contentType === contentType)
      if (media?.json !== true || media.schema === undefined) continue
      yield* ofMedia(context.follow(value), media.schema, context).map((one) => ({ ...one, subject, answer }))
    }
  }
}

function* ofMessages(
  operation: Extract<Operation, { kind: 'send' | 'receive' }>,
  context: RuleContext,
): Iterable<Example> {
  for (const message of operation.messages) {
    const node = context.follow(context.node(message.location.file, message.location.pointer))
    for (const example of listAt(node, 'examples')) {
      const payload = field(example, 'payload')
      if (payload === undefined) continue
      yield { node: payload, schema: message.payload.schema, subject: nameOf(operation), answer: true }
    }
  }
}

/** `example`, or the `value` (3.2: `dataValue`) of each of `examples`. */
function ofMedia(
  node: Node | undefined,
  { schema }: Schema,
  context: RuleContext,
): readonly { readonly node: Node; readonly schema: JsonSchema }[] {
  const named = entriesAt(node, 'examples').map(([, { value }]) => context.follow(value))
  const values = named.map((one) => field(one, 'dataValue') ?? field(one, 'value'))
  return [field(node, 'example'), ...values].flatMap((one) => (one === undefined ? [] : [{ node: one, schema }]))
}

/** One example can be reached from every operation that refers to it. */
function unique(examples: Iterable<Example>): readonly Example[] {
  const seen = new Map<Node, Set<JsonSchema>>()
  return [...examples].filter(({ node, schema }) => {
    const schemas = seen.get(node) ?? new Set()
    seen.set(node, schemas)
    return !schemas.has(schema) && schemas.add(schema)
  })
}

/** The deepest part of the example that is written there. */
function placeOfFault(example: Node, pointer: readonly string[]): SourceLocation {
  let node = example
  for (const step of pointer) {
    const next = node.kind === 'list' ? node.items[Number(step)] : field(node, step)
    if (next === undefined) break
    node = next
  }
  return node.at
}
