import type { Message, ReceiveOperation, SendOperation } from '../../../model/message.ts'
import type { Service } from '../../../model/system.ts'
import type { Subject } from '../../changes.ts'
import type { Direction } from '../../model.ts'

export type AsyncOperation = SendOperation | ReceiveOperation

/** An operation of an AsyncAPI document on both sides. */
export interface AsyncPair {
  readonly base: AsyncOperation
  readonly revision: AsyncOperation
  readonly service: { readonly base: Service; readonly revision: Service }
  readonly subject: Subject
}

/** `receive shop.orders` */
export function asyncLabel({ kind, channel }: AsyncOperation): string {
  return `${kind} ${channel}`
}

/** What stands for a parameter of an address is its place; its name is on no wire. */
export function onTheWire(address: string): string {
  return address.replaceAll(/\{[^{}]*\}/g, '{}')
}

/** Which way the messages of an operation go; those of its reply go the other. */
export function messageDirection({ revision }: Pick<AsyncPair, 'revision'>): Direction {
  return revision.kind === 'send' ? 'sent' : 'received'
}

/** One message on both sides. */
export interface MessagePair {
  readonly base: Message
  readonly revision: Message
}
