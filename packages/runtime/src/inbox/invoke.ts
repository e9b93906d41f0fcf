/** Runs handlers in an open transaction, so that nothing any of them did or left undone is lost sight of. */
import type { ContractTypes } from '../contract/service-contract.ts'
import { inTransaction } from '../calls/in-transaction.ts'
import type { OpenTransaction } from '../database/database.ts'
import { SpandrelError } from '../errors.ts'
import { childTraceparent } from '../message/trace.ts'
import { SendBuffer } from '../outbox/buffer.ts'
import type { Entry, Prepared } from './entry.ts'
import { isVictim, OutOfTime } from './failure.ts'
import type { BatchContext, ReceiveContext, ReceivedMessage, SendOptions } from './handlers.ts'
import type { JobContext } from './job.ts'

/** The failure that a transaction with handlers is rolled back for, and whose it was. */
export class HandlerFailed<Tx> extends Error {
  readonly entry: Entry<Tx>

  constructor(entry: Entry<Tx>, cause: unknown) {
    super('a handler failed', { cause })
    this.entry = entry
  }
}

export interface Invoked<Tx> {
  readonly buffers: readonly SendBuffer[]
  readonly notes: readonly { entry: Entry<Tx>; text: string }[]
}

/** A note as it is kept: 200 characters, none that a text column refuses. */
export function noteText(text: string): string {
  return text.slice(0, 200).replaceAll('\u0000', '\ufffd')
}

/**
 * Runs every entry's handler: lanes beside each other, one lane in order. Resolves when all of them have returned and
 * all their statements have settled well; else rejects with `HandlerFailed`, when no handler runs any more.
 */
export async function invokeAll<Tx>(
  context: JobContext<Tx>,
  open: OpenTransaction<Tx>,
  entries: readonly Entry<Tx>[],
  alone: boolean,
): Promise<Invoked<Tx>> {
  const round = new Round(context, open, alone)
  const lanes = new Map<string, Entry<Tx>[]>()
  for (const entry of entries) {
    const lane = lanes.get(entry.lane)
    if (lane === undefined) lanes.set(entry.lane, [entry])
    else lane.push(entry)
  }
  await Promise.all([...lanes.values()].map((lane) => round.runLane(lane)))
  return round.finish()
}

/** Runs one batch handler over all entries. */
export async function invokeBatch<Tx>(
  context: JobContext<Tx>,
  open: OpenTransaction<Tx>,
  entries: readonly Entry<Tx>[],
  alone: boolean,
): Promise<Invoked<Tx>> {
  const round = new Round(context, open, alone)
  await round.runBatch(entries)
  return round.finish()
}

class Round<Tx> {
  readonly #context: JobContext<Tx>
  readonly #open: OpenTransaction<Tx>
  readonly #alone: boolean
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal
  readonly #buffers: SendBuffer[] = []
  readonly #notes: { entry: Entry<Tx>; text: string }[] = []
  readonly #failures: { entry: Entry<Tx>; error: unknown; victim: boolean }[] = []
  readonly #ends: Promise<void>[] = []

  constructor(context: JobContext<Tx>, open: OpenTransaction<Tx>, alone: boolean) {
    this.#context = context
    this.#open = open
    this.#alone = alone
    this.#signal = AbortSignal.any([this.#controller.signal, context.cutOff])
  }

  async runLane(entries: readonly Entry<Tx>[]): Promise<void> {
    for (const entry of entries) {
      if (this.#failures.length > 0 || entry.prepared === undefined) return
      await this.#runOne(entry, entry.prepared)
    }
  }

  async #runOne(entry: Entry<Tx>, { operation, message }: Prepared<Tx>): Promise<void> {
    const { handler } = operation
    const buffer = this.#buffer(message)
    await this.#run(entry, operation.name, operation.timeoutMs, (tx, ended) => {
      const receive: ReceiveContext<ContractTypes, Tx> = {
        tx,
        send: (name, data, options?: SendOptions) => {
          refuseLate(ended(), name)
          return buffer.send(name, data, options)
        },
        note: (text) => this.#notes.push({ entry, text: noteText(text) }),
        signal: this.#signal,
      }
      if (handler.style === 'plain') return handler.run(message, receive)
      if (handler.style === 'external')
        return handler.parts.handle({ ...message, result: entry.acted?.result }, receive)
      throw new SpandrelError('wrong-configuration', `${operation.name} is a batch handler`)
    })
  }

  async runBatch(entries: readonly Entry<Tx>[]): Promise<void> {
    const [first] = entries
    const operation = first?.prepared?.operation
    if (first === undefined || operation === undefined || operation.handler.style !== 'batch') return
    const { parts } = operation.handler
    const byMessage = new Map<ReceivedMessage, Entry<Tx>>()
    for (const entry of entries) if (entry.prepared !== undefined) byMessage.set(entry.prepared.message, entry)
    const buffers = new Map<ReceivedMessage, SendBuffer>()
    await this.#run(first, operation.name, operation.timeoutMs, (tx, ended) => {
      const context: BatchContext<ContractTypes, Tx> = {
        tx,
        send: (cause, name, data, options?: SendOptions) => {
          refuseLate(ended(), name)
          let buffer = buffers.get(cause)
          if (buffer === undefined) buffers.set(cause, (buffer = this.#buffer(cause)))
          return buffer.send(name, data, options)
        },
        note: (message, text) => {
          const entry = byMessage.get(message)
          if (entry !== undefined) this.#notes.push({ entry, text: noteText(text) })
        },
        signal: this.#signal,
      }
      return parts.batch([...byMessage.keys()], context)
    })
  }

  #buffer(cause: ReceivedMessage): SendBuffer {
    const { attributes } = cause
    const buffer = new SendBuffer(this.#context.contract, {
      correlationid: attributes.correlationid,
      causationid: attributes.id,
      traceparent: childTraceparent(attributes.traceparent),
      ...(attributes.tracestate === undefined ? {} : { tracestate: attributes.tracestate }),
    })
    this.#buffers.push(buffer)
    return buffer
  }

  /** One handler with its own loan of the transaction, and its own time. */
  async #run(
    entry: Entry<Tx>,
    name: string,
    timeoutMs: number,
    work: (tx: Tx, ended: () => boolean) => Promise<void> | void,
  ): Promise<void> {
    const loan = this.#open.lend({ alone: this.#alone })
    let ended = false
    try {
      await inTime(name, timeoutMs, this.#context.cutOff, () => inTransaction(name, () => work(loan.tx, () => ended)))
    } catch (error) {
      this.#failures.push({ entry, error, victim: isVictim(error) })
      this.#controller.abort(error)
    }
    ended = true
    // Not waited for here: the next handler of the lane may issue its statements behind these.
    const end = loan.end().catch((error: unknown) => this.#lost(entry, error))
    this.#ends.push(end)
  }

  /** A statement of this handler failed, whatever the handler made of that. */
  #lost(entry: Entry<Tx>, error: unknown): void {
    const own = this.#failures.find((failure) => failure.entry === entry)
    if (own === undefined) this.#failures.push({ entry, error, victim: isVictim(error) })
    // Its throw follows from a statement that failed before: its own, whose error it swallowed, or a neighbour's.
    else if (own.victim) Object.assign(own, { error, victim: isVictim(error) })
    else own.victim = isVictim(error)
    this.#controller.abort(error)
  }

  async finish(): Promise<Invoked<Tx>> {
    if (this.#failures.some(({ error }) => error instanceof OutOfTime)) {
      // The loans are closed; a statement that still runs ends with the transaction, not before.
      await Promise.race([Promise.all(this.#ends), new Promise((resolve) => setImmediate(resolve))])
    } else await Promise.all(this.#ends)
    const failure = this.#failures.find(({ victim }) => !victim) ?? this.#failures[0]
    if (failure !== undefined) throw new HandlerFailed(failure.entry, failure.error)
    return { buffers: this.#buffers, notes: this.#notes }
  }
}

function refuseLate(ended: boolean, name: string): void {
  if (!ended) return
  throw new SpandrelError('statement-after-end', `${name} was sent after its handler had ended`, {
    hint: 'await everything that sends before the handler returns',
  })
}

/**
 * Runs `work` for at most `timeoutMs`. Work that goes on after that is left alone: its transaction is gone, and its
 * signal was aborted. `cutOff` ends the waiting at once, and is nobody's failure.
 */
export async function inTime<R>(
  name: string,
  timeoutMs: number,
  cutOff: AbortSignal,
  work: () => Promise<R> | R,
): Promise<R> {
  const { promise: limit, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new OutOfTime(`${name} took longer than ${timeoutMs} ms`)), timeoutMs)
  const cut = (): void => reject(new SpandrelError('lost-ownership', `${name} was cut off: the service stops`))
  cutOff.addEventListener('abort', cut, { once: true })
  try {
    return await Promise.race([Promise.resolve(work()), limit])
  } finally {
    clearTimeout(timer)
    cutOff.removeEventListener('abort', cut)
  }
}
