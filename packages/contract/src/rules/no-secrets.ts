import type { SourceLocation } from '../model/location.ts'
import type { System } from '../model/system.ts'
import { field, text } from '../source/node.ts'
import type { MapNode, Node } from '../source/node.ts'
import { allOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'
import { secretIn, secretNamed } from './secret-forms.ts'

export const noSecrets: Rule = {
  id: 'no-secrets',
  severity: 'error',
  area: 'security',
  formats: ['openapi', 'asyncapi', 'spandrel'],
  law: 'no contract holds a key, a token or a password',
  why:
    'Contracts are made to be handed around: to other teams, portals, generators, the public. A working key in an ' +
    'example is a working key for everybody who reads it.\n\n' +
    'Anywhere in a document these are found by their form: keys of AWS, GitHub, Slack, Stripe, Google and npm, private ' +
    'keys, JSON Web Tokens, `Bearer …` and `Basic …`, passwords in URLs and connection strings. In examples and ' +
    'defaults, also what stands as `password`, `secret`, `token`, `apiKey`, `authorization`, `client_secret` and the ' +
    'like: letters and digits that no word explains. `string`, `your-key`, `changeme`, `secret123`, `<token>`, ' +
    '`${TOKEN}`, `********` and the examples of specifications are nobody’s.',
  fix: 'revoke it, and write something that cannot be used: `your-key`, `<token>`',
  *check({ system, node }) {
    for (const file of filesOf(system)) {
      const root = node(file, '')
      if (root === undefined) continue
      for (const { what, at } of secretsIn(root)) {
        yield { at, subject: system.name, message: `this looks like ${what}` }
      }
    }
  },
}

/** Every contract, every spandrel.yaml, and the files that they refer to. */
function filesOf(system: System): ReadonlySet<string> {
  const files = servicesOf(system).flatMap((service) => [
    service.location.file,
    ...service.documents.flatMap(({ file, sidecars }) => [file, ...sidecars]),
    ...[...Object.values(service.schemas), ...Object.values(service.messages), ...allOf(service)].map(
      ({ location }) => location.file,
    ),
  ])
  return new Set([system.file, ...files])
}

interface Visit {
  readonly node: Node
  /** of the member, parameter or header that this is a value or a description of */
  readonly name?: string | undefined
  /** part of an example or a default, and no description */
  readonly value?: boolean
}

/** What of a description is a value. */
const values = new Set(['example', 'default', 'const', 'dataValue', 'serializedValue'])
/** Descriptions by the name of what they describe. */
const described = new Set(['properties', 'headers'])
/** A description of the same thing. */
const same = new Set(['schema', 'items', 'allOf', 'anyOf', 'oneOf', 'content'])

function secretsIn(root: Node): readonly { readonly what: string; readonly at: SourceLocation }[] {
  const found: { what: string; at: SourceLocation }[] = []
  const seen = new Set<Node>()
  const queue: Visit[] = [{ node: root }]
  for (let visit = queue.pop(); visit !== undefined; visit = queue.pop()) {
    const { node, name, value = false } = visit
    if (node.kind === 'scalar') {
      if (typeof node.value !== 'string') continue
      const named = value && name !== undefined ? secretNamed(name, node.value) : undefined
      const what = secretIn(node.value) ?? named
      if (what !== undefined) found.push({ what, at: node.at })
    } else if (!seen.has(node)) {
      seen.add(node)
      if (node.kind === 'list') queue.push(...node.items.map((one) => ({ node: one, name, value })))
      else queue.push(...within(node, name, value))
    }
  }
  return found
}

function within(node: MapNode, given: string | undefined, value: boolean): readonly Visit[] {
  const entries = [...node.entries].map(([key, entry]) => [key, entry.value] as const)
  if (value) return entries.map(([key, inner]) => ({ node: inner, name: key, value }))
  const name =
    (node.entries.has('in') ? text(field(node, 'name')) : undefined) ??
    (text(field(node, 'format')) === 'password' ? 'password' : given)
  return entries.flatMap(([key, inner]): Visit[] => {
    if (values.has(key)) return [{ node: inner, name, value: true }]
    if (key === 'examples') return examplesOf(inner).map((one) => ({ node: one, name, value: true }))
    if (described.has(key) && inner.kind === 'map') {
      return [...inner.entries].map(([member, entry]) => ({ node: entry.value, name: member }))
    }
    return [{ node: inner, name: same.has(key) || key.includes('/') ? name : undefined }]
  })
}

/** A list of values, or, in OpenAPI, named ones with texts beside them. */
function examplesOf(node: Node): readonly Node[] {
  if (node.kind === 'list') return node.items
  if (node.kind === 'scalar') return [node]
  return [...node.entries.values()].map(({ value }) => field(value, 'value') ?? value)
}
