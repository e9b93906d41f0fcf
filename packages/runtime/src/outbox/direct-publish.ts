/**
 * The mutant `publish-after-commit`, in the test build only: what a service does that has no outbox. Messages stay in
 * memory and are handed to the transport a moment after the commit, as a batching producer would.
 */
import type { OutgoingMessage } from '../message/envelope.ts'
import type { Transport } from '../transport/transport.ts'

const lingerMs = 20
let buffered: OutgoingMessage[] = []
let timer: NodeJS.Timeout | undefined

export function bufferDirect(messages: readonly OutgoingMessage[]): void {
  buffered.push(...messages)
}

export function publishDirect(transport: Transport): void {
  timer ??= setTimeout(() => {
    timer = undefined
    const messages = buffered
    buffered = []
    // Fire and forget is the point.
    if (messages.length > 0) transport.publish(messages).catch(() => {})
  }, lingerMs)
}
