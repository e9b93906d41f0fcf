import { listNode, mapNode, scalarNode, withMembers } from '../source/build-node.ts'
import { entriesOf, field, listAt, plain, text, textAt } from '../source/node.ts'
import type { MapNode, Node } from '../source/node.ts'
import type { Reading } from '../service/reading.ts'
import { follow } from '../service/reading.ts'

/**
 * A Swagger 2.0 document as OpenAPI 3.0 says it. Everything keeps its place. `definitions`, `parameters` and `responses`
 * stay beside, so that references still lead to them.
 */
export function fromSwagger(root: MapNode, reading: Reading): MapNode {
  const { at } = root
  return withMembers(root, {
    openapi: scalarNode(field(root, 'swagger')?.at ?? at, '3.0.3'),
    servers: servers(root),
    paths: mapValues(field(root, 'paths'), (path) => pathItem(path, root, reading)),
    components: mapNode(at, { securitySchemes: mapValues(field(root, 'securityDefinitions'), securityScheme) }),
  })
}

function mapValues(node: Node | undefined, change: (value: Node) => Node): Node | undefined {
  if (node?.kind !== 'map') return node
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { ...entry, value: key.startsWith('x-') ? entry.value : change(entry.value) }] as const,
  )
  return { ...node, entries: new Map(entries) }
}

/** Where a Swagger 2.0 document says it is served, as URLs; empty where it does not say. */
export function swaggerServers(root: Node): readonly string[] {
  const base = textAt(root, 'basePath') ?? ''
  const host = textAt(root, 'host')
  const schemes = listAt(root, 'schemes').flatMap((scheme) => text(scheme) ?? [])
  if (host === undefined) return base === '' ? [] : [base]
  return (schemes.length > 0 ? schemes : ['https']).map((scheme) => `${scheme}://${host}${base}`)
}

function servers(root: MapNode): Node {
  const urls = swaggerServers(root)
  return listNode(
    root.at,
    (urls.length > 0 ? urls : ['/']).map((url) => mapNode(root.at, { url: scalarNode(root.at, url) })),
  )
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']

function pathItem(written: Node, root: MapNode, reading: Reading): Node {
  const item = follow(written, reading)
  if (item?.kind !== 'map') return written
  const shared = parametersOf(item, reading)
  const operations = methods.flatMap((method) => {
    const entry = item.entries.get(method)
    return entry?.value.kind === 'map' ? [[method, operation(entry.value, shared, root, reading)] as const] : []
  })
  // A shared body belongs to each operation: in OpenAPI 3 a path item has none.
  const parameters = shared.filter((one) => !isBody(one)).map(parameter)
  return withMembers(item, { parameters: listNode(item.at, parameters), ...Object.fromEntries(operations) })
}

function parametersOf(owner: Node, reading: Reading): readonly Node[] {
  return listAt(owner, 'parameters').flatMap((one) => follow(one, reading) ?? [])
}

function isBody(node: Node): boolean {
  return ['body', 'formData'].includes(textAt(node, 'in') ?? '')
}

function operation(node: MapNode, shared: readonly Node[], root: MapNode, reading: Reading): MapNode {
  const own = parametersOf(node, reading)
  const inherited = shared.filter(
    (one) => isBody(one) && !own.some((other) => textAt(other, 'name') === textAt(one, 'name')),
  )
  const bodies = [...own, ...inherited].filter(isBody)
  const produces = mediaTypes(node, root, 'produces')
  return withMembers(node, {
    parameters: listNode(node.at, own.filter((one) => !isBody(one)).map(parameter)),
    requestBody: requestBody(bodies, mediaTypes(node, root, 'consumes')),
    responses: mapValues(field(node, 'responses'), (response) => responseOf(response, produces, reading)),
  })
}

function mediaTypes(node: Node, root: Node, key: 'consumes' | 'produces'): readonly string[] {
  const owner = field(node, key) === undefined ? root : node
  const found = listAt(owner, key).flatMap((one) => text(one) ?? [])
  return found.length > 0 ? found : ['application/json']
}

function content(at: Node['at'], types: readonly string[], schema: Node): Node {
  return mapNode(at, Object.fromEntries(types.map((type) => [type, mapNode(at, { schema })])))
}

function requestBody(bodies: readonly Node[], consumes: readonly string[]): Node | undefined {
  const [first] = bodies
  if (first === undefined) return undefined
  const body = bodies.find((one) => textAt(one, 'in') === 'body')
  if (body !== undefined) {
    return mapNode(body.at, {
      description: field(body, 'description'),
      required: field(body, 'required'),
      content: content(body.at, consumes, field(body, 'schema') ?? mapNode(body.at, {})),
    })
  }
  const fields = bodies.map((one) => [textAt(one, 'name') ?? '', schemaOf(one)] as const)
  const needed = bodies.filter((one) => plain(field(one, 'required') ?? scalarNode(one.at, false)) === true)
  const schema = mapNode(first.at, {
    type: scalarNode(first.at, 'object'),
    properties: mapNode(first.at, Object.fromEntries(fields)),
    required:
      needed.length === 0
        ? undefined
        : listNode(
            first.at,
            needed.flatMap((one) => field(one, 'name') ?? []),
          ),
  })
  const form = bodies.some((one) => textAt(one, 'type') === 'file')
    ? 'multipart/form-data'
    : 'application/x-www-form-urlencoded'
  const types = consumes.filter((type) => /form/.test(type))
  return mapNode(first.at, { content: content(first.at, types.length > 0 ? types : [form], schema) })
}

const schemaMembers = [
  'type',
  'format',
  'items',
  'default',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'enum',
  'multipleOf',
]

/** What stands on a parameter or header itself, and in OpenAPI 3 below `schema`. */
function schemaOf(node: Node): Node {
  const members = Object.fromEntries(schemaMembers.map((key) => [key, field(node, key)]))
  const { type } = members
  if (text(type) !== 'file' || type === undefined) return mapNode(node.at, members)
  return mapNode(node.at, { type: scalarNode(type.at, 'string'), format: scalarNode(type.at, 'binary') })
}

function parameter(node: Node): Node {
  if (node.kind !== 'map') return node
  const format = textAt(node, 'collectionFormat')
  const styles: Readonly<Record<string, string>> = { ssv: 'spaceDelimited', pipes: 'pipeDelimited' }
  const style = styles[format ?? ''] ?? (textAt(node, 'in') === 'query' ? 'form' : 'simple')
  return withMembers(node, {
    schema: schemaOf(node),
    style: scalarNode(node.at, style),
    explode: scalarNode(node.at, format === 'multi'),
  })
}

function responseOf(written: Node, produces: readonly string[], reading: Reading): Node {
  const node = follow(written, reading)
  if (node?.kind !== 'map') return written
  const schema = field(node, 'schema')
  return withMembers(node, {
    content: schema === undefined ? undefined : content(node.at, produces, schema),
    headers: mapValues(field(node, 'headers'), (header) =>
      header.kind === 'map' ? withMembers(header, { schema: schemaOf(header) }) : header,
    ),
  })
}

const flows: Readonly<Record<string, string>> = { application: 'clientCredentials', accessCode: 'authorizationCode' }

function securityScheme(node: Node): Node {
  const type = field(node, 'type')
  if (node.kind !== 'map' || type === undefined) return node
  if (text(type) === 'basic')
    return withMembers(node, { type: scalarNode(type.at, 'http'), scheme: scalarNode(type.at, 'basic') })
  if (text(type) !== 'oauth2') return node
  const written = textAt(node, 'flow') ?? 'implicit'
  const flow = mapNode(
    node.at,
    Object.fromEntries(
      entriesOf(node)
        .filter(([key]) => ['authorizationUrl', 'tokenUrl', 'scopes'].includes(key))
        .map(([key, { value }]) => [key, value]),
    ),
  )
  return withMembers(node, { flows: mapNode(node.at, { [flows[written] ?? written]: flow }) })
}
