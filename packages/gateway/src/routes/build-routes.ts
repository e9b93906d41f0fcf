import { METHODS } from 'node:http'
import {
  type AnswerMode,
  directed,
  type HttpOperation,
  type Offer,
  SchemaCompiler,
  type Service,
} from '@spandrel/contract'
import { AnswerRule } from '../answers/answer-rule.ts'
import { AccessRule, type Verifiers } from '../identity/access.ts'
import { type Keeping, keepingOf, keptKeyOf } from '../keys/keeping.ts'
import type { Metrics } from '../management/metrics.ts'
import { type GatewayLimits, type GatewayOptions, wrong } from '../options.ts'
import { breakerDefaults, Breakers } from '../proxy/breakers.ts'
import { retryRuleOf } from '../proxy/retry-rule.ts'
import { ServicePool } from '../proxy/service-pool.ts'
import { authoritiesOf } from '../tls.ts'
import { BodyRule, bodyType } from '../validation/body.ts'
import { KeyRule } from '../validation/idempotency-key.ts'
import { parameterCheck } from '../validation/parameters.ts'
import { shapeOf } from '../validation/schema-shape.ts'
import { basePathsOf, freePathOf } from './base-paths.ts'
import { pathNamesOf, RouteTable } from './route-table.ts'
import type { Route } from './route.ts'

export interface Built {
  readonly table: RouteTable
  readonly pools: readonly ServicePool[]
}

/** From the model to routes: every operation of every service of ours, with everything a request needs worked out. */
export function buildRoutes(
  options: GatewayOptions,
  limits: GatewayLimits,
  verifiers: Verifiers,
  metrics: Metrics,
  /** those of the contracts that a reload replaces */
  before: readonly ServicePool[] = [],
): Built {
  const table = new RouteTable()
  const pools: ServicePool[] = []
  const authorities = authoritiesOf(options)
  const http2 = options.upstream?.http2 ?? options.system.gateway?.upstream?.http2 ?? false
  const { breaker = options.system.gateway?.upstream?.breaker ?? true, logger } = options
  const breakers = new Breakers({ ...breakerDefaults, ...(typeof breaker === 'object' && breaker) }, metrics, logger)
  for (const declared of Object.values(options.system.services)) {
    // A request need not carry what is `readOnly`.
    const service = directed(declared)
    const operations = Object.values(service.operations)
    // What a vendor serves is called by our services, not offered by our edge.
    if (service.external || operations.length === 0) continue
    const pool = new ServicePool(
      service.name,
      urlsOf(service, options.upstreams?.[service.name]),
      {
        connections: limits.connections,
        connectTimeoutMs: limits.connectMs,
        keepAliveMs: 4000,
        authorities,
        http2,
        breakers,
        leavesAlone: breaker !== false,
      },
      before.find((one) => one.service === service.name),
    )
    pools.push(pool)
    const compiler = new SchemaCompiler(service.name, service.schemas)
    for (const operation of operations) {
      if (!METHODS.includes(operation.method)) {
        options.logger?.warn(
          { service: service.name, operation: operation.operation, method: operation.method },
          'nobody can call this operation: Node’s HTTP parser does not know its method',
        )
      }
      const own = options.operations?.[`${service.name}.${operation.operation}`]
      const route = routeOf(operation, service, compiler, {
        pool,
        access: new AccessRule(operation, verifiers),
        bodyBytes: own?.bodyBytes ?? limits.bodyBytes,
        timeoutMs: own?.timeoutMs ?? operation.guarantees.values.timeoutMs ?? limits.timeoutMs,
        trustedHeader: verifiers.trusted?.header,
        metrics,
        keeping: keepingOf(options, service),
        answers: service.gateway?.answers ?? options.system.gateway?.answers ?? 'off',
      })
      for (const basePath of basePathsOf(service, operation))
        table.add(offeredAt(basePath, route), () => freePathOf(service, operation))
    }
    compiler.finish()
  }
  table.finish()
  return { table, pools }
}

function routeOf(
  operation: HttpOperation,
  service: Service,
  compiler: SchemaCompiler,
  given: {
    pool: ServicePool
    access: AccessRule
    bodyBytes: number
    timeoutMs: number
    trustedHeader: string | undefined
    metrics: Metrics
    keeping: Keeping | undefined
    answers: AnswerMode
  },
): Omit<Route, 'basePath' | 'ownSegments' | 'prefixes' | 'pathNames'> {
  const { idempotency } = operation.guarantees.values
  const key = typeof idempotency === 'object' ? new KeyRule(idempotency) : undefined
  const keptKey = given.keeping === undefined ? undefined : keptKeyOf(operation, given.keeping, given.timeoutMs)
  // OpenAPI, Parameter Object: as parameters these three are ignored.
  const parameters = operation.parameters.filter(
    (parameter) => parameter.in !== 'header' || !ignoredHeaders.has(parameter.name.toLowerCase()),
  )
  const wanted = new Set<string>()
  for (const { in: place, name } of parameters) if (place === 'header') wanted.add(name.toLowerCase())
  if (key?.header !== undefined) wanted.add(key.header)
  for (const name of keptKey?.needs.headers ?? []) wanted.add(name)
  const { correlation } = operation.guarantees
  const correlationHeader = correlation?.source === 'request.header' ? correlation.name.toLowerCase() : undefined
  if (correlationHeader !== undefined) wanted.add(correlationHeader)
  if (given.trustedHeader !== undefined) wanted.add(given.trustedHeader)
  for (const { schemes } of operation.security) {
    for (const { scheme } of schemes) {
      if (scheme.type === 'apiKey' && scheme.in === 'header') wanted.add((scheme.parameter ?? '').toLowerCase())
    }
  }
  const { requestBody } = operation
  return {
    operation,
    service: service.name,
    pool: given.pool,
    access: given.access,
    parameters: parameters.map((parameter) => {
      const isKey = parameter.in === 'header' && parameter.name.toLowerCase() === key?.header
      const shape = shapeOf(parameter.schema.schema, service.schemas)
      return parameterCheck(parameter, shape, compiler.add(parameter.schema.schema), isKey)
    }),
    needsQuery:
      key?.expression.source === 'request.query' ||
      keptKey?.needs.query === true ||
      parameters.some(({ in: place }) => place === 'query' || place === 'querystring'),
    needsCookies: parameters.some(({ in: place }) => place === 'cookie'),
    wanted: wanted.size > 0 ? wanted : undefined,
    correlationHeader,
    body:
      requestBody === undefined
        ? undefined
        : new BodyRule({
            required: requestBody.required,
            limit: given.bodyBytes,
            types: requestBody.content.map((media) => {
              // Two spellings of one JSON are one request: to see that, it must be read.
              const read = key?.needsBody === true || keptKey !== undefined
              const checked = media.json && (media.schema !== undefined || read)
              return bodyType(media, checked ? compiler.add(media.schema?.schema ?? true) : undefined)
            }),
          }),
    key,
    keptKey,
    answers:
      given.answers === 'off' ? undefined : new AnswerRule(operation, given.answers, (schema) => compiler.add(schema)),
    natural: idempotency === 'natural',
    retry: retryRuleOf(operation),
    timeoutMs: given.timeoutMs,
    endless: Object.values(operation.responses).some(({ content }) =>
      content.some(({ contentType }) => contentType.toLowerCase().startsWith('text/event-stream')),
    ),
    upgrades: operation.method === 'GET' && operation.responses['101'] !== undefined,
    version: service.gateway?.version,
    fixed: fixedHeaders(operation, service.gateway),
    metrics: given.metrics.route(service.name, operation.operation),
  }
}

const ignoredHeaders = new Set(['accept', 'content-type', 'authorization'])

function offeredAt(basePath: string, route: ReturnType<typeof routeOf>): Route {
  const prefixes = [...new Set(route.pool.instances.map(({ prefix }) => prefix))]
  return {
    ...route,
    basePath,
    ownSegments: basePath.split('/').length - 1,
    prefixes: prefixes.every((prefix) => prefix === basePath) ? undefined : prefixes,
    pathNames: pathNamesOf(route.operation.path),
  }
}

/**
 * RFC 9745 wants a date, a contract says only that it is so: the epoch means "has been for long". RFC 8594: sunset. An
 * answer that depends on a header says so (RFC 9110, 12.5.5), or a cache gives one version's to who asked for another.
 */
function fixedHeaders({ deprecated, sunset }: HttpOperation, offer: Offer | undefined): string[] {
  const fixed: string[] = []
  const since = secondsOf(offer?.deprecated)
  if (since !== undefined) fixed.push('deprecation', `@${since}`)
  else if (deprecated) fixed.push('deprecation', '@0')
  const gone = secondsOf(sunset ?? offer?.sunset)
  if (gone !== undefined) fixed.push('sunset', new Date(gone * 1000).toUTCString())
  if (offer?.version !== undefined) fixed.push('vary', offer.version.header)
  return fixed
}

function secondsOf(date: string | undefined): number | undefined {
  const seconds = date === undefined ? Number.NaN : new Date(date).getTime() / 1000
  return Number.isNaN(seconds) ? undefined : seconds
}

function urlsOf(service: Service, given: string | readonly string[] | undefined): URL[] {
  const texts = given === undefined ? [service.url?.value] : typeof given === 'string' ? [given] : given
  if (texts.length === 0 || texts[0] === undefined) {
    const missing = service.url?.missing[0]
    throw wrong(
      `the gateway does not know where ${service.name} is\n  ${service.location.file}:${service.location.line}:${service.location.column}`,
      missing === undefined
        ? `give services.${service.name} a url in spandrel.yaml`
        : `set ${missing} in the environment`,
    )
  }
  return texts.map((text) => {
    const url = URL.canParse(text ?? '') ? new URL(text ?? '') : undefined
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw wrong(
        `"${text}" is not a base URL for ${service.name}`,
        'write http://host:port, with a path if there is one',
      )
    }
    if (url.search !== '' || url.hash !== '' || url.username !== '') {
      throw wrong(
        `the base URL of ${service.name} has a query, a fragment or credentials`,
        'a base URL is scheme, host, port and path',
      )
    }
    return url
  })
}
