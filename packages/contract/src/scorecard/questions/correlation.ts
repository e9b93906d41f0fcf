import { nameOf } from '../../rules/operations.ts'
import { no, notAsked, type Question, yes } from '../question.ts'

export const correlation: Question = {
  number: 10,
  id: 'correlation',
  title: 'correlation and traces',
  asks: 'Can one piece of work be followed from one side to the other?',
  proofs: (edge) => (edge.kind === 'call' ? [{ ref: nameOf(edge.operation), member: 'correlation' }] : []),
  judge(edge, scoring) {
    const against = scoring.violation(edge, 'correlation-is-carried')
    if (against !== undefined) return against
    if (edge.kind === 'call') {
      const { guarantees, location } = edge.operation
      if (guarantees.correlation !== undefined) {
        return yes('the contract says where the correlation id is', guarantees.declared.correlation ?? location)
      }
      if (edge.provider.external) return notAsked('another company’s service: our trace ends at its door', location)
      return no(
        'the contract does not say where the correlation id is',
        location,
        'declare `correlation: $request.header.correlation-id`, at the root of the document for all operations',
      )
    }
    const message = edge.sent ?? edge.received
    if (message?.correlation !== undefined)
      return yes(`\`${message.message}\` carries a correlation id`, message.location)
    return no(
      `\`${message?.message}\` does not say where its correlation id is`,
      message?.location,
      "add `correlationId: { location: '$message.header#/correlationid' }` to the message",
    )
  },
}
