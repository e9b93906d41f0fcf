/**
 * Types of HTTP handlers, derived from a contract's phantom types.
 *
 * Terminology
 * - before: runs ahead of the transaction and may `call` other services; it must have no effects of its own.
 * - prepared: what `before` returned.
 * - handle: runs inside one transaction, together with the key record and everything that was sent.
 */
import type { ContractTypes, OperationTypes } from '../contract/service-contract.ts'
import type { Call } from '../calls/call.ts'
import type { Send } from '../inbox/handlers.ts'
import type { Logger } from '../service/loop.ts'

/** A validated request. */
export interface OperationInput<O extends OperationTypes> {
  readonly params: O['params']
  readonly query: O['query']
  readonly headers: O['headers']
  readonly body: O['body']
  /** who calls, as a trusted proxy or the service's own `identify` says; undefined where nobody said */
  readonly caller: string | undefined
}

export interface BeforeContext<T extends ContractTypes> {
  /** Calls another service by `<service>.<operation>`, as its contract allows. */
  readonly call: Call<T>
  /** aborted when the operation's time is up or the service must stop at once */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly correlationid: string
}

export interface HandleContext<T extends ContractTypes, Tx> {
  /** the transaction, in the type of the service's own driver; dead once the handler has ended */
  readonly tx: Tx
  readonly send: Send<T>
  /** Leaves a line in the journey of this request; written with the commit. */
  readonly note: (text: string) => void
  /** aborted when the operation's time is up or the service must stop at once */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly correlationid: string
}

/** `handle` gets what `before` returned as `prepared`; see `operation` for its type. */
export interface PreparedHandler<I, BeforeCtx, HandleCtx, A, P> {
  before?(input: I, context: BeforeCtx): Promise<P> | P
  handle(input: I & { readonly prepared: P }, context: HandleCtx): Promise<A>
}

/**
 * `before` returns the handler itself, which sees everything `before` knows, with its types:
 *
 *     placeOrder: {
 *       async before({ body }, { call }) {
 *         const quote = await call('payments.quotePrice', { query: { sku: body.sku } })
 *         return async ({ tx, send }) => { … }
 *       },
 *     },
 */
interface ReturnedHandler<I, BeforeCtx, HandleCtx, A> {
  before(input: I, context: BeforeCtx): Promise<(context: HandleCtx) => Promise<A>>
  handle?: undefined
}

/** As wide as `unknown`, which in a union would hide the type of a returned handler. */
type Anything = object | string | number | bigint | boolean | symbol | null | undefined

/**
 * A plain async function, `{ before, handle }`, or a `before` that returns the handler. `handle` tells them apart, for the compiler too.
 */
type Handler<I, BeforeCtx, HandleCtx, A> =
  | (((input: I, context: HandleCtx) => Promise<A>) & { readonly handle?: undefined })
  | PreparedHandler<I, BeforeCtx, HandleCtx, A, Anything>
  | ReturnedHandler<I, BeforeCtx, HandleCtx, A>

export type OperationHandler<T extends ContractTypes, K extends keyof T['operations'], Tx> = Handler<
  OperationInput<T['operations'][K]>,
  BeforeContext<T>,
  HandleContext<T, Tx>,
  T['operations'][K]['answer']
>

export type OperationHandlers<T extends ContractTypes, Tx> = {
  readonly [K in keyof T['operations']]: OperationHandler<T, K, Tx>
}

/**
 * Gives `prepared` the type that `before` returns, which TypeScript cannot infer from one member of a handler to
 * another inside the `handlers` map. It cannot tell the type of `tx` here either, so say it where it is used:
 *
 *     placeOrder: operation({
 *       before: ({ body }, { call }) => call('payments.quotePrice', { query: { sku: body.sku } }),
 *       async handle({ body, prepared: quote }, { tx, send }: HandleContext<OrdersTypes, Transaction<DB>>) { … },
 *     })
 */
export function operation<I, T extends ContractTypes, Tx, A, P>(handler: {
  before: (input: I, context: BeforeContext<T>) => Promise<P> | P
  handle: (input: I & { readonly prepared: P }, context: HandleContext<T, Tx>) => Promise<A>
}): PreparedHandler<I, BeforeContext<T>, HandleContext<T, Tx>, A, Anything> {
  return handler as PreparedHandler<I, BeforeContext<T>, HandleContext<T, Tx>, A, Anything>
}
