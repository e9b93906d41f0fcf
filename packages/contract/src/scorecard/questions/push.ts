import type { CallEdge } from '../edges.ts'
import { type Judgement, no, notAsked, type Question, yes } from '../question.ts'

export const push: Question = {
  number: 9,
  id: 'push',
  title: 'push over polling',
  asks: 'Is news told to those who wait for it, rather than asked for again and again?',
  proofs: (edge) =>
    edge.kind === 'message' && edge.receive !== undefined
      ? [{ ref: `${edge.receive.service}.${edge.receive.operation}`, member: 'delivery' }]
      : [],
  judge(edge, scoring) {
    if (edge.style === 'file' || edge.style === 'database') {
      return no(
        `by ${edge.style}: somebody has to look again and again`,
        edge.location,
        'send a message when something changes',
      )
    }
    if (edge.kind === 'message') return yes('a message, sent when it happens', (edge.send ?? edge.receive)?.location)
    return scoring.violation(edge, 'poll-without-push') ?? ofCall(edge)
  },
}

function ofCall({ operation, provider }: CallEdge): Judgement {
  const { guarantees, location } = operation
  if (guarantees.push !== undefined) {
    return yes(
      `changes are pushed by ${guarantees.push.by}: ${guarantees.push.ref}`,
      guarantees.declared.push ?? location,
    )
  }
  const all = Object.values(provider.operations)
  const polled = ({ guarantees: { completion } }: CallEdge['operation']): string | undefined =>
    completion?.by === 'status' ? (completion.ref ?? '').replace(`${provider.name}.`, '') : undefined
  const status = polled(operation)
  if (status !== undefined) {
    const answered = provider.operations[status]?.guarantees
    if (answered?.push !== undefined) {
      return yes(
        `its outcome is pushed by ${answered.push.by}: ${answered.push.ref}`,
        answered.declared.push ?? location,
      )
    }
    return no(
      `its outcome has to be asked for at \`${status}\`, and nothing pushes it`,
      guarantees.declared.completion ?? location,
      `declare \`push\` on \`${status}\`: a webhook, an event or a stream`,
    )
  }
  const asker = all.find((one) => polled(one) === operation.operation)
  if (asker !== undefined) {
    return no(
      `it is asked again and again for the outcome of \`${asker.operation}\`, and nothing pushes it`,
      location,
      'declare `push`: a webhook, an event or a stream',
    )
  }
  return notAsked('asked once, answered once', location)
}
