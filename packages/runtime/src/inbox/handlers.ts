/**
 * What a service writes to receive messages: one handler a receive operation of its contract.
 *
 *   async paymentCaptured({ data }, { tx, send }) { … }              effects are the transaction (the default)
 *   external({ act, handle })                                        effects outside the database, then a transaction
 *   { async batch(messages, { tx, send }) { … } }                    many messages in one call
 *
 * Returning means done. What is thrown decides otherwise: `Terminal` is a dead letter at once, `Outage` pauses the
 * operation and counts nothing, anything else is an attempt and is tried again as the contract says.
 */
import type { Call } from '../calls/call.ts'
import type { ContractTypes } from '../contract/service-contract.ts'
import type { MessageAttributes } from '../message/envelope.ts'

/** A message as handlers see it: `data` is parsed and was validated against the contract. */
export interface ReceivedMessage<Data = unknown, Type extends string = string> {
  readonly id: string
  readonly source: string
  readonly type: Type
  readonly data: Data
  /** the data as the JSON text it was sent as: for those who pass it on */
  readonly json: string
  /** every CloudEvents attribute, extensions included */
  readonly attributes: Readonly<MessageAttributes>
}

export interface SendOptions {
  /** extension attributes of the caller's own */
  attributes?: Readonly<Record<string, string>>
}

/**
 * Validates and buffers a message; it is written with the commit of this transaction. Returns the message's id.
 * Throws `contract-violation` where the data is not what the contract says, `unknown-message` for another name.
 */
export type Send<T extends ContractTypes = ContractTypes> = <Name extends keyof T['sends'] & string>(
  message: Name,
  data: T['sends'][Name],
  options?: SendOptions,
) => string

export interface ReceiveContext<T extends ContractTypes = ContractTypes, Tx = unknown> {
  /** The transaction that also holds the message's records and what it sends. Dead once the handler has ended. */
  readonly tx: Tx
  readonly send: Send<T>
  /** A line for the message's journey; 200 characters are kept. Written with the commit. */
  readonly note: (text: string) => void
  /** Aborted when the time is over, the batch has failed or the service stops: what was done will be rolled back. */
  readonly signal: AbortSignal
}

export interface ActContext<T extends ContractTypes = ContractTypes> {
  /**
   * The same for every try of this message, different for every other: pass it on to whoever is called. Once-only
   * outside the database is as true as the callee's respect for it. 43 characters of base64url.
   */
  readonly key: string
  /** Passes `key` on as the idempotency key the provider's contract asks for. */
  readonly call: Call<T>
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

export type PlainHandler<Message, T extends ContractTypes, Tx> = (
  message: Message,
  context: ReceiveContext<T, Tx>,
) => Promise<void> | void

/** Made by `external()`, which relates the result of `act` to what `handle` is given. */
export interface ExternalHandler<Message, T extends ContractTypes, Tx> {
  readonly effects: 'external'
  /** Runs outside any transaction, at least once for a message, and may call out. */
  act(message: Message, context: ActContext<T>): Promise<unknown>
  /** Commits the result of `act` together with the message's records and what is sent. */
  handle(message: Message & { readonly result: unknown }, context: ReceiveContext<T, Tx>): Promise<void> | void
}

export interface BatchContext<T extends ContractTypes = ContractTypes, Tx = unknown> {
  readonly tx: Tx
  /** `cause` is the message of the batch that this one follows from: correlation and trace are its own. */
  readonly send: <Name extends keyof T['sends'] & string>(
    cause: ReceivedMessage,
    message: Name,
    data: T['sends'][Name],
    options?: SendOptions,
  ) => string
  readonly note: (message: ReceivedMessage, text: string) => void
  readonly signal: AbortSignal
}

/** `messages` are in order of arrival; a throw has them handled again one by one. */
export interface BatchHandler<Message, T extends ContractTypes, Tx> {
  batch(messages: readonly Message[], context: BatchContext<T, Tx>): Promise<void> | void
}

export type ReceiveHandler<T extends ContractTypes, Tx, Op extends keyof T['receives']> = AnyReceiveHandler<
  MessageOf<T['receives'][Op]>,
  T,
  Tx
>

/** One message type for each that may arrive, so that looking at `type` narrows `data`. */
type MessageOf<Received> = Received extends { data: infer Data; type: infer Type extends string }
  ? ReceivedMessage<Data, Type>
  : never

export type AnyReceiveHandler<Message, T extends ContractTypes, Tx> =
  | PlainHandler<Message, T, Tx>
  | ExternalHandler<Message, T, Tx>
  | BatchHandler<Message, T, Tx>

/** One handler for each receive operation: a missing or misspelt one does not compile. */
export type ReceiveHandlers<T extends ContractTypes, Tx> = {
  readonly [Op in keyof T['receives']]: ReceiveHandler<T, Tx, Op>
}

/**
 * A handler with effects outside the database. `handle` sees what `act` returned, with its type:
 *
 *   capture: external({
 *     act: ({ data }, { key }) => charge(data.card, data.amount, key),
 *     async handle({ data, result }, { tx, send }) { … },
 *   })
 */
export function external<Message, T extends ContractTypes, Tx, Result>(parts: {
  act(message: Message, context: ActContext<T>): Promise<Result>
  handle(message: Message & { readonly result: Result }, context: ReceiveContext<T, Tx>): Promise<void> | void
}): ExternalHandler<Message, T, Tx> {
  return {
    effects: 'external',
    act: (message, context) => parts.act(message, context),
    handle: (message, context) => parts.handle(message as Message & { readonly result: Result }, context),
  }
}
