import { didYouMean } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Parameter } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import type { Dialect } from '../schema/dialect.ts'
import { itemsOf, typeOf } from '../schema/look-through.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesAt, field, flagAt, listAt, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { dialectAt } from './read-content.ts'

/** By OpenAPI these are described elsewhere, and ignored as parameters. */
const ignored = new Set(['accept', 'content-type', 'authorization'])

/** The path item's parameters and the operation's, the operation's winning. */
export function readParameters(
  pathItem: Node,
  operation: Node,
  path: { readonly template: string; readonly at: SourceLocation } | undefined,
  dialect: Dialect,
  reading: Reading,
): readonly Parameter[] {
  const found = new Map<string, Parameter>()
  for (const owner of [pathItem, operation]) {
    const here = new Map<string, SourceLocation>()
    for (const item of listAt(owner, 'parameters')) {
      const parameter = readParameter(item, dialect, reading)
      if (parameter === undefined) continue
      const identity = `${parameter.in} ${parameter.in === 'header' ? parameter.name.toLowerCase() : parameter.name}`
      const first = here.get(identity)
      if (first !== undefined) {
        const message = `the ${parameter.in} parameter \`${parameter.name}\` is declared twice (first in line ${first.line})`
        reading.findings.error(item.at, 'duplicate-parameter', message, 'remove one of them')
      }
      here.set(identity, item.at)
      found.set(identity, parameter)
    }
  }
  const parameters = [...found.values()]
  if (path !== undefined) checkTemplate(path.template, path.at, parameters, reading)
  return parameters
}

function readParameter(item: Node, dialect: Dialect, reading: Reading): Parameter | undefined {
  const node = follow(item, reading)
  const name = textAt(node, 'name')
  const place = textAt(node, 'in') as Parameter['in'] | undefined
  if (node === undefined || name === undefined || place === undefined) return undefined
  if (place === 'header' && ignored.has(name.toLowerCase())) {
    const message = `the header parameter \`${name}\` is ignored by OpenAPI`
    const hint = 'use `security` for Authorization, media types for Accept and Content-Type'
    reading.findings.warning(node.at, 'ignored-parameter', message, hint)
    return undefined
  }
  if (place === 'path' && flagAt(node, 'required') !== true) {
    const message = `the path parameter \`${name}\` must be required`
    reading.findings.error(node.at, 'path-parameter-optional', message, 'add `required: true`')
  }
  const [contentType, media] = entriesAt(node, 'content')[0] ?? []
  const schemaNode = field(node, 'schema') ?? field(follow(media?.value, reading), 'schema')
  const schema =
    schemaNode === undefined
      ? { schema: true, location: node.at }
      : reading.schemas.read(schemaNode, dialectAt(schemaNode, dialect, reading))
  const { named } = reading.schemas
  const style = textAt(node, 'style') ?? (place === 'query' || place === 'cookie' ? 'form' : 'simple')
  const items = itemsOf(schema.schema, named)
  return {
    name,
    in: place,
    required: place === 'path' || (flagAt(node, 'required') ?? false),
    deprecated: flagAt(node, 'deprecated') ?? false,
    ...optional('description', textAt(node, 'description')),
    style,
    explode: flagAt(node, 'explode') ?? (style === 'form' || style === 'cookie'),
    allowReserved: flagAt(node, 'allowReserved') ?? false,
    type: typeOf(schema.schema, named) ?? 'string',
    ...optional('itemType', items === undefined ? undefined : (typeOf(items, named) ?? 'string')),
    ...optional('contentType', contentType),
    schema,
    location: node.at,
  }
}

/** What is in braces is declared, and what is declared for the path is in braces. */
function checkTemplate(path: string, at: SourceLocation, parameters: readonly Parameter[], reading: Reading): void {
  const names = templateNames(path)
  const declared = parameters.filter((parameter) => parameter.in === 'path')
  for (const name of names) {
    if (declared.some((parameter) => parameter.name === name)) continue
    const unused = declared.map((parameter) => parameter.name).filter((other) => !names.includes(other))
    const hint = didYouMean(
      name,
      unused,
      `add \`- { name: ${name}, in: path, required: true, schema: { type: string } }\``,
    )
    reading.findings.error(at, 'undeclared-path-parameter', `\`${path}\`: \`{${name}}\` is not declared`, hint)
  }
  for (const { name, location } of declared) {
    if (names.includes(name)) continue
    const hint = didYouMean(name, names, `put \`{${name}}\` into the path, or remove the parameter`)
    const message = `the path parameter \`${name}\` is not in \`${path}\``
    reading.findings.error(location, 'unused-path-parameter', message, hint)
  }
}

export function templateNames(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)
}
