import type { IncomingMessage } from 'node:http'
import type { Edge } from '../edge.ts'
import { Problem } from '../problem.ts'
import { splitTarget } from './request-target.ts'

/** Does this request ask for a WebSocket, where its contract has one? Any other `upgrade` is not for us to follow. */
export function upgrades({ routes, limits }: Edge, { method, url, headers, rawHeaders }: IncomingMessage): boolean {
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket') return false
  const target = splitTarget(url ?? '/', limits.encodedSlashes)
  return !(target instanceof Problem) && routes.find(method, target.path, rawHeaders)?.route.upgrades === true
}
