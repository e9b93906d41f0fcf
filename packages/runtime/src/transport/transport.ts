/**
 * The seam every transport implements (postgres now, brokers later) and `conformance.ts` tests.
 *
 * Promised: an append that resolved is durable and reaches every subscription registered then, at least once, in
 * append order within a partition. Not promised: exactly-once append (a relay that dies before it deletes its rows
 * appends them again), or order between partitions.
 */
import type { Envelope, OutgoingMessage } from '../message/envelope.ts'

export interface Transport {
  readonly name: string
  readonly features: {
    /** two unconfirmed messages of one key may be outstanding: a failure of the first fails the second */
    orderedPublish: boolean
  }
  /**
   * Appends a batch and resolves when it is durable: one result a message, in the order given. Rejects when it is
   * not known that anything was appended and it is worth trying again (`transport-unavailable`).
   */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishResult[]>
  /** A registered subscription's view of its channel. Throws `unknown-channel` where it is not registered. */
  subscription(name: string, channel: string): Promise<TransportSubscription>
  close(): Promise<void>
}

/**
 * What became of one message of a batch; messages of other keys are not touched by it.
 * - `refused`: it can never be sent (too large, unknown channel).
 * - `later`: not now, because its destination takes nothing (a full stream), or because an earlier message of its
 *   channel and key in this batch was not appended. A message never passes an earlier one of its key.
 */
export type PublishResult = { ok: true } | { ok: false; refused: string } | { ok: false; later: string }

export interface TransportSubscription {
  readonly partitions: number
  /** A new one means that positions from before are meaningless. */
  incarnation(): Promise<string>
  /** The offset of the newest message of each partition, by partition; 0 where there is none. Offsets start at 1. */
  heads(): Promise<readonly number[]>
  /**
   * Messages after the given offsets, in order within a partition, at most `limit` in all and at least one of each
   * partition that has any, bounded by `maxBytes` (never fewer than one). Resolves empty when there are none.
   * Rejects with `incarnation-changed` when an offset is past the head, or when messages after it were trimmed.
   * An offset of 0 reads from the oldest kept message.
   */
  read(after: ReadonlyMap<number, number>, options: { limit: number; maxBytes: number }): Promise<readonly Delivery[]>
  /** Calls `wake` when something may have been appended. A hint only; readers poll as well. */
  watch(wake: () => void): { close(): Promise<void> }
  /** Tells the transport what may be trimmed. Never moves back. */
  settle(positions: ReadonlyMap<number, number>): Promise<void>
  close(): Promise<void>
}

export interface Delivery extends Envelope {
  partition: number
  offset: number
}
