/** What is declared and verify cannot watch. It is named, with what would make it testable, and is no passed guarantee. */
import type { CompletionGuarantee, Service, SourceLocation } from '@spandrel/contract'

export interface Unwatched {
  readonly ref: string
  readonly member: 'completion' | 'push'
  readonly location: SourceLocation
  readonly why: string
}

/** Why nothing is known of outcomes that come this way, to an HTTP operation. */
export function unwatchable(by: CompletionGuarantee['by']): string {
  const lacking: Partial<Record<CompletionGuarantee['by'], string>> = {
    reply: 'verify has no address that a reply could be sent to',
    callback: 'verify has no address that the service could call back',
    stream: 'verify does not read a stream of answers',
  }
  return `it completes by ${by}, and ${lacking[by] ?? 'verify cannot watch that'}: it can be tested where the outcome is also a message (\`by: event\`) or can be asked for (\`by: status\`)`
}

/** Completion on operations of messages, and pushes that go to no channel. `wanted`: operation names. */
export function unwatchedMessages(service: Service, wanted: (operation: string) => boolean): Unwatched[] {
  const messages = [...Object.values(service.receives), ...Object.values(service.sends)]
  return [
    ...messages.flatMap(({ operation, location, guarantees: { completion, declared } }): Unwatched[] => {
      if (completion === undefined || !wanted(operation)) return []
      const why = `it is a message that completes by ${completion.by}, and verify watches the completion of HTTP operations: it can be tested where the HTTP operation that begins the work declares it, \`by: event\` or \`by: status\``
      return [
        { ref: `${service.name}.${operation}`, member: 'completion', location: declared.completion ?? location, why },
      ]
    }),
    ...Object.values(service.operations).flatMap(({ operation, location, guarantees: { push, declared } }) => {
      if (push === undefined || push.by === 'event' || !wanted(operation)) return []
      const why = `it is pushed by ${push.by}, which verify cannot receive: it can be tested where the same is sent to a channel (\`by: event\`)`
      return [
        { ref: `${service.name}.${operation}`, member: 'push' as const, location: declared.push ?? location, why },
      ]
    }),
  ]
}
