import { readIntegration, readProbe } from '../guarantees/integration.ts'
import { checkLayer, resolveGuarantees } from '../guarantees/resolve.ts'
import { checkRules } from '../guarantees/rules.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Callback, HttpOperation } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import type { Dialect } from '../schema/dialect.ts'
import { readReferences } from '../service/operation-references.ts'
import { readSunset } from '../service/sunset.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesAt, entriesOf, field, flagAt, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { readRequestBody, readResponses } from './read-content.ts'
import { readParameters } from './read-parameters.ts'
import { serverUrls } from './server-urls.ts'
import { tellsCallersApart } from './security.ts'
import type { Security } from './security.ts'

/** What the operations of one document share. */
export interface OperationReading extends Reading {
  readonly root: Node
  readonly dialect: Dialect
  readonly security: Security
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query']

/** All operations of a path item. `path` is absent for webhooks and callbacks, whose URL is another's business. */
export function readPathItem(
  written: Node,
  name: string,
  place: 'path' | 'webhook' | 'callback',
  nameAt: SourceLocation,
  reading: OperationReading,
): readonly HttpOperation[] {
  const item = follow(written, reading)
  if (item === undefined) return []
  const shared = field(item, 'x-guarantees')
  if (shared !== undefined) checkLayer(shared, reading.findings)
  const members = [
    ...methods.map((method) => [method, method] as const),
    ...entriesAt(item, 'additionalOperations').map(([method]) => [method, undefined] as const),
  ]
  return members.flatMap(([method, key]) => {
    const owner = key === undefined ? field(item, 'additionalOperations') : item
    const entry = owner?.kind === 'map' ? owner.entries.get(method) : undefined
    if (entry?.value.kind !== 'map') return []
    return [
      readOperation(
        entry.value,
        item,
        { method: method.toUpperCase(), name, place, nameAt, keyAt: entry.keyAt },
        reading,
      ),
    ]
  })
}

interface Position {
  readonly method: string
  readonly name: string
  readonly place: 'path' | 'webhook' | 'callback'
  readonly nameAt: SourceLocation
  readonly keyAt: SourceLocation
}

function readOperation(node: Node, item: Node, position: Position, reading: OperationReading): HttpOperation {
  const { method, name, place, nameAt, keyAt } = position
  const { findings, dialect, sidecars } = reading
  const operation = operationName(node, position, reading)
  const security = reading.security.of(node)
  const template = place === 'path' ? { template: name, at: nameAt } : undefined
  const parameters = readParameters(item, node, template, dialect, reading)
  const requestBody = readRequestBody(field(node, 'requestBody'), dialect, reading)
  const own = field(node, 'x-guarantees')
  if (own !== undefined) checkLayer(own, findings)
  const declaration = resolveGuarantees(
    {
      inherited: present([field(reading.root, 'x-guarantees'), field(item, 'x-guarantees')]),
      own: [...present([own]), ...sidecars.layers(operation, 'x-guarantees')],
    },
    { kind: 'http', method },
    findings,
  )
  checkRules(
    declaration.node,
    {
      kind: 'http',
      operation,
      payloads: (requestBody?.content ?? []).flatMap(({ json, schema }) => (json && schema ? [schema] : [])),
      named: reading.schemas.named,
      // Of a webhook or a callback this application is the caller.
      authenticated: place !== 'path' || tellsCallersApart(security),
      pathParameters: parameters.filter((one) => one.in === 'path').map((one) => one.name),
      queryParameters: parameters.filter((one) => one.in === 'query').map((one) => one.name),
    },
    findings,
  )
  const integrationLayers = [
    ...present([field(field(reading.root, 'info'), 'x-integration'), field(node, 'x-integration')]),
    ...sidecars.layers(operation, 'x-integration'),
  ]
  const probeLayers = [...present([field(node, 'x-probe')]), ...sidecars.layers(operation, 'x-probe')]
  const callbacks = readCallbacks(node, reading)
  readReferences(
    declaration.node,
    integrationLayers,
    probeLayers,
    { callbacks: callbacks.map((one) => one.name) },
    reading,
  )
  return {
    kind: 'http',
    service: reading.service,
    operation,
    method,
    path: name,
    ...optional('summary', textAt(node, 'summary')),
    ...optional('description', textAt(node, 'description')),
    parameters,
    ...optional('requestBody', requestBody),
    responses: readResponses(field(node, 'responses'), dialect, reading),
    security,
    guarantees: declaration.guarantees,
    ...optional('integration', readIntegration(integrationLayers, reading.defaultStyle, findings)),
    ...optional('probe', readProbe(probeLayers, findings)),
    ...optional('servers', place === 'path' ? (serverUrls(node) ?? serverUrls(item)) : undefined),
    callbacks,
    deprecated: flagAt(node, 'deprecated') ?? false,
    ...optional('sunset', readSunset(node, findings)),
    location: keyAt,
  }
}

/** Spandrel names operations; where a document does not, a name is made so that everything else still works. */
function operationName(node: Node, { method, name, place, keyAt }: Position, reading: OperationReading): string {
  const id = field(node, 'operationId')
  const written = textAt(node, 'operationId')
  const wanted = `${method.toLowerCase()}${name
    .replaceAll(/[{}$#]/g, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}`
  // `/a` and `/a/` are two paths with one name: a name that we made is nobody's mistake.
  const made = written === undefined ? reading.names.free(wanted) : wanted
  if (written === undefined && place === 'path' && id === undefined) {
    const message = `${method} ${name} has no \`operationId\`; it is called \`${made}\` here`
    reading.findings.warning(keyAt, 'missing-operation-id', message, `add \`operationId: ${made}\``)
  }
  reading.names.operation(written ?? made, id?.at ?? keyAt)
  return written ?? made
}

function readCallbacks(node: Node, reading: OperationReading): readonly Callback[] {
  return entriesAt(node, 'callbacks').flatMap(([name, { value }]) =>
    entriesOf(follow(value, reading))
      .filter(([expression]) => !expression.startsWith('x-'))
      .map(([expression, entry]) => ({
        name,
        expression,
        operations: readPathItem(entry.value, name, 'callback', entry.keyAt, reading),
      })),
  )
}

function present(nodes: readonly (Node | undefined)[]): Node[] {
  return nodes.filter((node) => node !== undefined)
}
