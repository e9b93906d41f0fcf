/**
 * What a handler sends, until its transaction writes it: `send` is synchronous, and one statement writes everything,
 * right before the commit. A buffer that is thrown away has sent nothing.
 */
import { faults } from '#faults'
import type { ServiceContract } from '../contract/service-contract.ts'
import type { Query } from '../database/database.ts'
import type { OutgoingMessage } from '../message/envelope.ts'
import { compose, type SendContext, type SendOptions } from './compose.ts'
import { bufferDirect } from './direct-publish.ts'

export type { SendContext, SendOptions } from './compose.ts'

export class SendBuffer {
  readonly #contract: ServiceContract
  readonly #context: SendContext
  #messages: OutgoingMessage[] = []

  constructor(contract: ServiceContract, context: SendContext) {
    this.#contract = contract
    this.#context = context
  }

  /**
   * Validates and buffers one message; its id. Throws `unknown-message`, `contract-violation` or `key-missing`.
   * Messages of one buffer keep their order.
   */
  send(messageName: string, data: unknown, options?: SendOptions): string {
    const message = compose(this.#contract, messageName, data, this.#context, options)
    this.#messages.push(message)
    return message.attributes.id
  }

  get size(): number {
    return this.#messages.length
  }

  /** Forgets what was sent since: the attempt failed, or is redone. */
  clear(): void {
    this.#messages = []
  }

  /** Writes the outbox rows in one statement, and none where there is nothing. May be left un-awaited before COMMIT. */
  flush(query: Query): Promise<void> {
    return flushAll([this], query)
  }

  /** Hands over what was buffered; the buffer is empty then. */
  take(): readonly OutgoingMessage[] {
    const messages = this.#messages
    this.#messages = []
    return messages
  }
}

/** One insert for many buffers, in the order given. */
export async function flushAll(buffers: readonly SendBuffer[], query: Query): Promise<void> {
  const messages = buffers.flatMap((buffer) => buffer.take())
  if (messages.length === 0) return
  if (faults.mutant('publish-after-commit')) {
    bufferDirect(messages)
    return
  }
  await insertMessages(query, messages)
}

const insertOne = `insert into spandrel.outbox (channel, partitionkey, attributes, data, validated) values ($1, $2, $3, $4, true)
  returning pg_current_xact_id()::text as xid`
// The rows get their ids in the order of the arrays.
const insertMany = `insert into spandrel.outbox (channel, partitionkey, attributes, data, validated)
  select channel, partitionkey, attributes, data, true
  from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as m (channel, partitionkey, attributes, data, place)
  order by place`

/** Writes outbox rows; the transaction's id where it was one message. */
export async function insertMessages(query: Query, messages: readonly OutgoingMessage[]): Promise<string | undefined> {
  const [first] = messages
  if (messages.length === 1 && first !== undefined) {
    const { channel, attributes, data } = first
    const values = [channel, attributes.partitionkey ?? null, JSON.stringify(attributes), data]
    const { rows } = await query<{ xid: string }>(insertOne, values)
    return rows[0]?.xid
  }
  await query(insertMany, [
    messages.map(({ channel }) => channel),
    messages.map(({ attributes }) => attributes.partitionkey ?? null),
    messages.map(({ attributes }) => JSON.stringify(attributes)),
    messages.map(({ data }) => data),
  ])
  return undefined
}
