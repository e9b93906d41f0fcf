import type { SourceLocation } from '../model/location.ts'
import type { HttpOperation } from '../model/operation.ts'
import type { Subject } from './changes.ts'
import type { Direction } from './model.ts'

/** An HTTP operation before and after, and who calls whom. */
export interface HttpPair {
  readonly base: HttpOperation
  readonly revision: HttpOperation
  /** `serves`: a path of this application. `calls`: a webhook or callback, which it sends to others */
  readonly role: 'serves' | 'calls'
  readonly subject: Subject
}

/** Which way requests go. */
export function requestDirection({ role }: Pick<HttpPair, 'role'>): Direction {
  return role === 'serves' ? 'received' : 'sent'
}

export function responseDirection({ role }: Pick<HttpPair, 'role'>): Direction {
  return role === 'serves' ? 'sent' : 'received'
}

/** `POST /orders`; parameters keep the names of the side that is shown. */
export function httpLabel({ method, path }: HttpOperation): string {
  return `${method} ${path}`
}

/** The names of parameters are the document's own business: `/orders/{id}` and `/orders/{orderId}` are one path. */
export function httpIdentity({ method, path }: HttpOperation): string {
  return `${method} ${path.replaceAll(/\{[^{}]*\}/g, '{}')}`
}

/** Where something that is gone would be: the operation it was part of. */
export function heldAt(pair: HttpPair): SourceLocation {
  return pair.revision.location
}
