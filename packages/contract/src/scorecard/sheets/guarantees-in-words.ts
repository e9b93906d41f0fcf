import { expressionText } from '../../guarantees/expression.ts'
import type { GuaranteeMember, KeyGuarantee, RetryGuarantee } from '../../model/guarantees.ts'
import type { SourceLocation } from '../../model/location.ts'
import { inWords } from '../../rules/durations.ts'
import type { Operation } from '../../rules/operations.ts'

/** One promise as a sentence, and where it is made. */
export interface Promised {
  readonly member: GuaranteeMember
  readonly text: string
  readonly at: SourceLocation
}

/** What an operation promises: only what is declared, and what RFC 9110 says of its method. */
export function promisesOf(operation: Operation): readonly Promised[] {
  const { declared, natural } = operation.guarantees
  const order: readonly GuaranteeMember[] = [
    'delivery',
    'ordering',
    'idempotency',
    'timeout',
    'retry',
    'deadLetter',
    'completion',
    'push',
    'correlation',
  ]
  return order.flatMap((member): Promised[] => {
    const at = declared[member] ?? (member === 'idempotency' && natural ? operation.location : undefined)
    return at === undefined ? [] : [{ member, at, text: inSentence(member, operation) }]
  })
}

function inSentence(member: GuaranteeMember, operation: Operation): string {
  const { values, completion, push, correlation, natural } = operation.guarantees
  switch (member) {
    case 'delivery':
      return values.delivery
    case 'ordering':
      return typeof values.ordering === 'string' ? values.ordering : `by \`${expressionText(values.ordering.by)}\``
    case 'idempotency':
      if (natural && operation.kind === 'http') return `natural: ${operation.method}, by RFC 9110`
      return typeof values.idempotency === 'string' ? values.idempotency : keyText(values.idempotency)
    case 'timeout':
      return inWords(values.timeoutMs ?? 0)
    case 'retry':
      return values.retry === 'none' ? 'none' : retryText(values.retry)
    case 'deadLetter': {
      if (values.deadLetter === 'none') return 'none'
      const { retentionMs, replay, onPoison } = values.deadLetter
      return `kept for ${inWords(retentionMs)}, replay ${replay}, ${onPoison}`
    }
    case 'completion': {
      const within = completion?.withinMs === undefined ? '' : `, within ${inWords(completion.withinMs)}`
      const ends = [...(completion?.success ?? []), ...(completion?.failure ?? [])].join(' or ')
      return `by ${completion?.by ?? ''}${completion?.ref === undefined ? '' : ` of \`${completion.ref}\``}: ${ends}${within}`
    }
    case 'push':
      return `by ${push?.by ?? ''}: \`${push?.ref ?? ''}\``
    case 'correlation':
      return correlation === undefined ? '' : `\`${expressionText(correlation)}\``
  }
}

export function keyText({ key, scope, retentionMs }: KeyGuarantee): string {
  const among =
    typeof scope === 'string'
      ? scope === 'global'
        ? ''
        : `, of one ${scope}`
      : `, of one \`${expressionText(scope.by)}\``
  return `key \`${expressionText(key)}\`${among}, remembered for ${inWords(retentionMs)}`
}

export function retryText({ attempts, backoff, delayMs, maxDelayMs, on }: RetryGuarantee): string {
  const statuses = on === undefined || on.length === 0 ? '' : ` on ${on.join(', ')}`
  const waits = attempts === 1 ? '' : `, ${backoff} from ${inWords(delayMs)} to ${inWords(maxDelayMs)}`
  return `${attempts} attempt${attempts === 1 ? '' : 's'}${statuses}${waits}`
}
