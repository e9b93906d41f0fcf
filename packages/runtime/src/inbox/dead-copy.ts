/**
 * The copy of a dead letter for `deadLetter.channel`: the message as it came (source, id, key, data), and why it was given
 * up. It is an outbox row of the transaction that makes the dead letter, so there is one of each death, or none of either.
 */
import { deadLetterChannel } from '../contract/dead-letter-channel.ts'
import type { OutgoingMessage } from '../message/envelope.ts'
import type { Entry, Verdict } from './entry.ts'
import type { Operation } from './operation.ts'

/** Of an error's text in an attribute; the dead letter itself has more. */
const longestError = 1000

/** Undefined: its contract names no channel. */
export function deadCopy<Tx>(
  service: string,
  operation: Operation<Tx> | undefined,
  { envelope: { attributes, data } }: Entry<Tx>,
  { reason, error, attempts }: Verdict & { kind: 'dead' },
): OutgoingMessage | undefined {
  if (operation === undefined) return undefined
  const channel = deadLetterChannel(operation.guarantees)
  if (channel === undefined) return undefined
  return {
    channel,
    attributes: {
      ...attributes,
      consumer: `${service}.${operation.name}`,
      reason,
      attempts: String(attempts),
      ...(error !== '' && { error: attributeText(error) }),
    },
    data,
  }
}

/** An attribute has no control characters, and no half of a pair. */
function attributeText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return plain.slice(0, longestError).toWellFormed()
}
