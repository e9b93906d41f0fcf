import type { MessageAttributes, OutgoingMessage } from '@spandrel/runtime/operate'

/** A message that was on a channel. */
export interface Seen {
  readonly channel: string
  readonly partition: number
  readonly offset: number
  readonly attributes: MessageAttributes
  readonly data: string
}

/** How messages reach the service. */
export interface MessageRoad {
  readonly kind: 'stream' | 'push'
  /** In order, one after the other where they have one key; resolves when they are the service's to handle. */
  deliver(messages: readonly OutgoingMessage[], options: { together: boolean }): Promise<void>
}
