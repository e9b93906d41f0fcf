import type { HttpOperation } from '../../model/operation.ts'
import { inWords } from '../../rules/durations.ts'
import { nameOf } from '../../rules/operations.ts'
import type { MessageEdge } from '../edges.ts'
import { type Judgement, no, notAsked, type Question, yes } from '../question.ts'

export const failures: Question = {
  number: 4,
  id: 'failures',
  title: 'failures designed',
  asks: 'Is it decided what happens when it is slow, fails, or can never work?',
  proofs(edge) {
    if (edge.kind === 'call') {
      const ref = nameOf(edge.operation)
      return ['timeout', 'errors'].map((member) => ({ ref, member }))
    }
    if (edge.receive === undefined) return []
    const ref = nameOf(edge.receive)
    return ['retry', 'deadLetter'].map((member) => ({ ref, member }))
  },
  judge(edge, scoring) {
    const against = scoring.violation(
      edge,
      'receive-without-failure-handling',
      'errors-are-problems',
      'ordering-survives-retry',
      'delivery-meets-completion',
      'completion-is-reachable',
      'dual-write-risk',
      'rpc-cycle',
      'sync-chain',
      'timeout-can-hold',
    )
    return against ?? (edge.kind === 'call' ? ofCall(edge.operation) : ofMessage(edge))
  },
}

function ofCall(operation: HttpOperation): Judgement {
  const { declared, values } = operation.guarantees
  if (declared.timeout === undefined || values.timeoutMs === undefined) {
    return no('nobody knows how long to wait', operation.location, 'declare `timeout`')
  }
  const described = Object.keys(operation.responses).filter((status) => /^[45]|^default$/.test(status))
  const retried = values.retry === 'none' ? [] : (values.retry.on ?? [])
  if (described.length + retried.length === 0) {
    return no(
      'no failure is described: every answer is a success',
      operation.location,
      'describe its 4XX and 5XX answers',
    )
  }
  const retry =
    declared.retry === undefined
      ? 'no retry promised'
      : values.retry === 'none'
        ? 'no retry'
        : `${values.retry.attempts} attempts`
  const answers = described.length > 0 ? described.join(', ') : retried.join(', ')
  return yes(`an answer within ${inWords(values.timeoutMs)}, ${retry}, failures ${answers}`, declared.timeout)
}

function ofMessage({ send, receive }: MessageEdge): Judgement {
  if (send !== undefined && send.guarantees.declared.delivery === undefined) {
    return no(`whether a message of \`${nameOf(send)}\` may be lost is not said`, send.location, 'declare `delivery`')
  }
  if (receive === undefined) {
    return send === undefined
      ? notAsked('nobody is known')
      : yes(`sent ${send.guarantees.values.delivery}`, send.guarantees.declared.delivery)
  }
  const { values, declared } = receive.guarantees
  const { retry, deadLetter } = values
  const tries = retry === 'none' ? 'one attempt' : `${retry.attempts} attempts`
  const last =
    deadLetter === 'none'
      ? 'then discarded'
      : `then a dead letter for ${inWords(deadLetter.retentionMs)}, replay ${deadLetter.replay}, ${deadLetter.onPoison}`
  return yes(`${tries}, ${last}`, declared.deadLetter ?? receive.location)
}
