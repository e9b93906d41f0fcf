import type { HttpOperation, Service } from '@spandrel/contract'
import { wrong } from '../options.ts'

/**
 * What stands before the path of an operation at the gateway: nothing, what `gateway.path` of its service says, or, with
 * `servers`, the paths of the servers of its document (its own, where it has some; OpenAPI, Server Object).
 */
export function basePathsOf(service: Service, operation: HttpOperation): readonly string[] {
  const path = service.gateway?.path
  if (path === undefined) return ['']
  return path === 'servers' ? serverPathsOf(service, operation) : [path]
}

/** A path that nothing else has: what its document says itself, or the service's name. */
export function freePathOf(service: Service, operation: HttpOperation): string {
  try {
    return serverPathsOf(service, operation).find((path) => path !== '') ?? `/${service.name}`
  } catch {
    return `/${service.name}`
  }
}

/** Each once; `['']` where a document names none. */
function serverPathsOf(service: Service, operation: HttpOperation): readonly string[] {
  const document =
    service.documents.find(({ file }) => file === operation.location.file) ??
    service.documents.find(({ kind }) => kind === 'openapi')
  const servers = operation.servers ?? document?.servers ?? []
  const paths = servers.map((server) => pathOf(server, service))
  return paths.length === 0 ? [''] : [...new Set(paths)]
}

function pathOf(server: string, service: Service): string {
  // A host that is filled in later is no matter here; a path that is, leaves open what is served.
  const path = /^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/?#]*(.*)$/i.exec(server)?.[1] ?? server
  if (path.includes('{')) {
    const { file, line, column } = service.gateway?.location ?? service.location
    throw wrong(
      `the path of the server ${server} of ${service.name} has a variable\n  ${file}:${line}:${column}`,
      'write the path itself: `gateway: { path: /v1 }`',
    )
  }
  return `/${path.replaceAll(/^\/|[?#].*$/g, '')}`.replace(/\/+$/, '')
}

/** The path as the service knows it: without so many segments, which are the gateway's. */
export function withoutSegments(path: string, segments: number): string {
  let start = 0
  for (let left = segments; left > 0 && start !== -1; left--) start = path.indexOf('/', start + 1)
  return start === -1 ? '/' : path.slice(start)
}

/**
 * A `location` of a service, as its client finds it: the paths of services begin with what their URL has, and those of
 * the gateway with what `gateway.path` says. Anything but an absolute path stays as it is.
 */
export function locationAt(basePath: string, prefixes: readonly string[], location: string): string {
  if (!location.startsWith('/') || location.startsWith('//')) return location
  for (const prefix of prefixes) {
    if (location !== prefix && !location.startsWith(`${prefix}/`)) continue
    return `${basePath}${location.slice(prefix.length)}`
  }
  return location
}
