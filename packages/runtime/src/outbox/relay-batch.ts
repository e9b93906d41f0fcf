/** One batch on its way: what can be sent is published, what was confirmed is deleted, what never can be is held. */
import { faults } from '#faults'
import type { Database } from '../database/database.ts'
import { SpandrelError } from '../errors.ts'
import type { MessageAttributes, OutgoingMessage } from '../message/envelope.ts'
import type { Logger } from '../service/loop.ts'
import type { PublishResult, Transport } from '../transport/transport.ts'
import type { BackOff } from './back-off.ts'
import type { OutboxRow } from './relay-read.ts'
import { deleteConfirmed, holdRefused, type OutboxMessage, type Refusal } from './relay-write.ts'

export interface RelayBatchParts {
  database: Database
  transport: Transport
  logger: Logger
  backOff: BackOff
  /** what is wrong with a message nobody has validated */
  fault: (message: OutgoingMessage) => string | undefined
  keepData: boolean
}

export interface BatchOutcome {
  sent: number
  /** can never be sent; later ones of their keys are still there */
  refused: number
  /** the transaction id of the delete, where there was one */
  deleted: bigint | undefined
}

export class RelayBatch {
  readonly #parts: RelayBatchParts

  constructor(parts: RelayBatchParts) {
    this.#parts = parts
  }

  /** Rejects where the transport did not answer: nothing is deleted then, and the same rows are read again. */
  async send(rows: readonly OutboxRow[]): Promise<BatchOutcome> {
    const { database, backOff, keepData, logger } = this.#parts
    const { messages, refusals } = this.#sort(rows)
    await faults.point('relay.read')
    if (faults.mutant('delete-before-confirm')) return this.#deleteFirst(messages)
    // The rows of a violation are held before later ones of their key could be read.
    const results = await this.#publish(messages)
    await faults.point('relay.published')
    const confirmed: OutboxMessage[] = []
    const now = performance.now()
    for (const [index, message] of messages.entries()) {
      const result = results[index] ?? { ok: false, later: 'no result' }
      const key = message.attributes.partitionkey ?? null
      if (result.ok) {
        confirmed.push(message)
        backOff.sent(message.channel)
      } else if ('refused' in result) refusals.push({ message, reason: 'refused', error: result.refused })
      else backOff.putOff(message.channel, key, message.rowId, now)
    }
    for (const { message, reason, error } of refusals) {
      const { id, type, correlationid } = message.attributes
      logger.error(
        { channel: message.channel, id, type, correlationid, reason, error },
        'a message can never be sent: it is held, its key waits',
      )
    }
    await holdRefused(database, refusals)
    if (confirmed.length === 0) return { sent: 0, refused: refusals.length, deleted: undefined }
    const deleted = await deleteConfirmed(database.query, confirmed, keepData)
    await faults.point('relay.deleted')
    return { sent: confirmed.length, refused: refusals.length, deleted }
  }

  /** What is written by `publish` is validated here. Nothing goes that comes after a violation of its key. */
  #sort(rows: readonly OutboxRow[]): { messages: OutboxMessage[]; refusals: Refusal[] } {
    const messages: OutboxMessage[] = []
    const refusals: Refusal[] = []
    const blocked = new Set<string>()
    for (const row of rows) {
      const lane = row.partitionkey === null ? undefined : `${row.channel} ${row.partitionkey}`
      if (lane !== undefined && blocked.has(lane)) continue
      const message = messageOf(row)
      const error = row.validated ? undefined : this.#parts.fault(message)
      if (error === undefined) {
        messages.push(message)
        continue
      }
      refusals.push({ message, reason: 'contract-violation', error })
      if (lane !== undefined) blocked.add(lane)
    }
    if (faults.mutant('order-off')) messages.sort(() => Math.random() - 0.5)
    return { messages, refusals }
  }

  async #publish(messages: readonly OutboxMessage[]): Promise<readonly PublishResult[]> {
    if (messages.length === 0) return []
    const { transport, logger } = this.#parts
    try {
      return await transport.publish(messages)
    } catch (error) {
      if (isUnavailable(error)) throw error
      // Not an outage: one of them is something the transport stumbles over. It must not hold back the rest (FM12).
      logger.warn({ error }, 'a batch was not taken; its messages are sent one by one')
    }
    const results: PublishResult[] = []
    const blocked = new Set<string>()
    for (const message of messages) {
      const { partitionkey } = message.attributes
      const lane = partitionkey === undefined ? undefined : `${message.channel} ${partitionkey}`
      const result = lane !== undefined && blocked.has(lane) ? behind : await this.#publishOne(message)
      if (!result.ok && lane !== undefined) blocked.add(lane)
      results.push(result)
    }
    return results
  }

  async #publishOne(message: OutboxMessage): Promise<PublishResult> {
    try {
      const [result] = await this.#parts.transport.publish([message])
      return result ?? { ok: false, later: 'no result' }
    } catch (error) {
      if (isUnavailable(error)) throw error
      return { ok: false, refused: error instanceof Error ? error.message : String(error) }
    }
  }

  /** The mutant `delete-before-confirm`, in the test build only. */
  async #deleteFirst(messages: readonly OutboxMessage[]): Promise<BatchOutcome> {
    const { database, keepData, transport } = this.#parts
    const deleted = await deleteConfirmed(database.query, messages, keepData)
    await faults.point('relay.deleted')
    await transport.publish(messages)
    await faults.point('relay.published')
    return { sent: messages.length, refused: 0, deleted }
  }
}

const behind: PublishResult = { ok: false, later: 'an earlier message of its key was not sent' }

function isUnavailable(error: unknown): boolean {
  return error instanceof SpandrelError && error.code === 'transport-unavailable'
}

function messageOf(row: OutboxRow): OutboxMessage {
  return {
    rowId: row.id,
    channel: row.channel,
    attributes: JSON.parse(row.attributes) as MessageAttributes,
    data: row.data,
  }
}
