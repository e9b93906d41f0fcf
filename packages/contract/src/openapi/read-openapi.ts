import { checkLayer } from '../guarantees/resolve.ts'
import { didYouMean } from '../findings/nearest.ts'
import type { HttpOperation } from '../model/operation.ts'
import { dialectOf } from '../schema/dialect.ts'
import { checkShape } from '../shape/check-shape.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesAt, entriesOf, field, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { SourceLocation } from '../model/location.ts'
import type { OperationReading } from './read-operation.ts'
import { checkNamesAndServers } from './names-and-servers.ts'
import { readPathItem } from './read-operation.ts'
import { templateNames } from './read-parameters.ts'
import { Security } from './security.ts'
import { openapiShapes } from './structure.ts'

export interface OpenapiContent {
  readonly operations: readonly HttpOperation[]
  readonly webhooks: readonly HttpOperation[]
}

/** Checks the structure of an OpenAPI 3.0, 3.1 or 3.2 document. */
export function checkOpenapi(root: Node, version: number, reading: Reading): void {
  const definitions = openapiShapes(version)
  const { findings, sources } = reading
  checkShape(root, { $ref: '#/$defs/root' }, 'the document', {
    definitions,
    findings,
    sources,
    version: { name: 'OpenAPI', number: version },
  })
  checkNamesAndServers(root, version, findings)
  if (version >= 3.1 && !['paths', 'webhooks', 'components'].some((key) => field(root, key) !== undefined)) {
    findings.error(root.at, 'missing-member', 'the document has no `paths`, `webhooks` or `components`', 'add `paths`')
  }
}

/** Reads an OpenAPI 3.0, 3.1 or 3.2 document. */
export function readOpenapi(root: Node, reading: Reading): OpenapiContent {
  const { findings } = reading
  const shared = field(root, 'x-guarantees')
  if (shared !== undefined) checkLayer(shared, findings)
  const dialect = dialectOf(root, '2020-12')
  const inner: OperationReading = { ...reading, root, dialect, security: new Security(root, reading) }
  const operations = entriesAt(root, 'paths')
    .filter(([path]) => path.startsWith('/'))
    .flatMap(([path, { keyAt, value }]) => {
      braces(path, keyAt, reading)
      return readPathItem(value, path, 'path', keyAt, inner)
    })
  overlaps(root, reading)
  const webhooks = entriesAt(root, 'webhooks')
    .filter(([name]) => !name.startsWith('x-'))
    .flatMap(([name, { keyAt, value }]) => readPathItem(value, name, 'webhook', keyAt, inner))
  links(
    root,
    [...operations, ...webhooks].map(({ operation }) => operation),
    reading,
  )
  return { operations, webhooks }
}

function braces(path: string, at: SourceLocation, { findings }: Reading): void {
  if (/[{}]/.test(path.replaceAll(/\{[^{}]+\}/g, ''))) {
    findings.error(at, 'broken-path', `\`${path}\` has a brace without its partner, or empty braces`, 'write `{name}`')
  }
  if (/[?#]/.test(path)) {
    const hint = 'declare query parameters with `in: query`'
    findings.error(at, 'broken-path', `\`${path}\` has a query or fragment`, hint)
  }
  const names = templateNames(path)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    findings.error(at, 'broken-path', `\`${path}\` has \`{${twice}}\` twice`, 'give every parameter its own name')
  }
}

/** `/orders/{id}` and `/orders/{orderId}` are one path; two operations of one method there cannot be told apart. */
function overlaps(root: Node, reading: Reading): void {
  const seen = new Map<string, { path: string; line: number; item: Node }>()
  for (const [path, { keyAt, value }] of entriesAt(root, 'paths')) {
    const plain = path.replaceAll(/\{[^{}]*\}/g, '{}')
    const first = seen.get(plain)
    if (first === undefined) seen.set(plain, { path, line: keyAt.line, item: value })
    else {
      const message = `\`${path}\` and \`${first.path}\` (line ${first.line}) are the same path`
      const methods = entriesOf(follow(first.item, reading)).map(([method]) => method)
      const clash = entriesOf(follow(value, reading)).some(
        ([method, operation]) => methods.includes(method) && field(operation.value, 'responses') !== undefined,
      )
      reading.findings[clash ? 'error' : 'warning'](
        keyAt,
        'ambiguous-path',
        message,
        'put their operations into one path item',
      )
    }
  }
}

/** Links name operations of the same document. */
function links(root: Node, operations: readonly string[], reading: Reading): void {
  const seen = new Set<Node>()
  const check = (owner: Node | undefined): void => {
    for (const [, { value }] of entriesAt(owner, 'links')) {
      const link = follow(value, reading)
      const target = field(link, 'operationId')
      const id = textAt(link, 'operationId')
      if (target === undefined || id === undefined || seen.has(target) || operations.includes(id)) continue
      seen.add(target)
      const hint = didYouMean(id, operations, 'use an operationId of this document')
      reading.findings.error(target.at, 'unknown-operation', `there is no operation \`${id}\``, hint)
    }
  }
  check(field(root, 'components'))
  for (const [, response] of entriesAt(field(root, 'components'), 'responses')) check(follow(response.value, reading))
  for (const [, path] of entriesAt(root, 'paths')) {
    for (const [, operation] of entriesOf(follow(path.value, reading))) {
      for (const [, response] of entriesAt(operation.value, 'responses')) check(follow(response.value, reading))
    }
  }
}
