/** What is declared and verify cannot watch. It is named, with what would make it testable, and is no passed guarantee. */
import type { CompletionGuarantee, HttpOperation, SendOperation, Service, SourceLocation } from '@spandrel/contract'

export interface Unwatched {
  readonly ref: string
  readonly member: 'completion' | 'push'
  readonly location: SourceLocation
  readonly why: string
}

/** Why nothing is known of outcomes that come this way, to an HTTP operation. */
export function unwatchable(by: CompletionGuarantee['by']): string {
  return `it completes by ${by}, and verify does not read a stream of answers: it can be tested where the outcome is also a message (\`by: event\`), calls back (\`by: callback\`) or can be asked for (\`by: status\`)`
}

/** Of a message that a service sends another one finishes the work: nothing of this service shows whether it does. */
export function completionElsewhere({
  service,
  operation,
  location,
  guarantees,
}: SendOperation): Unwatched | undefined {
  const { completion, declared } = guarantees
  if (completion === undefined) return undefined
  const why = `it is a message that this service sends, and what completes it (by ${completion.by}) is another's work: it can be tested where the operation that receives it declares \`by: reply\` or \`by: event\``
  return { ref: `${service}.${operation}`, member: 'completion', location: declared.completion ?? location, why }
}

/** Pushes that cannot be seen. `seen`: a text says why one to a channel is not. `wanted`: operation names. */
export function unwatchedPushes(
  service: Service,
  wanted: (operation: string) => boolean,
  seen: (operation: HttpOperation) => object | string,
): Unwatched[] {
  return Object.values(service.operations).flatMap((one) => {
    const { operation, location, guarantees } = one
    const { push, declared } = guarantees
    if (push === undefined || !wanted(operation)) return []
    const why =
      push.by === 'event'
        ? seen(one)
        : `it is pushed by ${push.by}, which verify cannot receive: it can be tested where the same is sent to a channel (\`by: event\`)`
    if (typeof why !== 'string') return []
    return [{ ref: `${service.name}.${operation}`, member: 'push' as const, location: declared.push ?? location, why }]
  })
}
