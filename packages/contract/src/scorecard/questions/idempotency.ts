import { nameOf } from '../../rules/operations.ts'
import { worker } from '../edges.ts'
import { no, notAsked, type Question, yes } from '../question.ts'

const safe = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']

export const idempotency: Question = {
  number: 2,
  id: 'idempotency',
  title: 'idempotent at the boundary',
  asks: 'Does doing it twice have the effect of doing it once?',
  proofs(edge) {
    const operation = worker(edge)
    return operation === undefined ? [] : [{ ref: nameOf(operation), member: 'idempotency' }]
  },
  judge(edge, scoring) {
    const operation = worker(edge)
    if (operation === undefined) return notAsked('who receives it is not in this system')
    const { values, declared, natural } = operation.guarantees
    if (operation.kind === 'http' && safe.includes(operation.method) && declared.idempotency === undefined) {
      return notAsked(`${operation.method} only reads`, operation.location)
    }
    const against = scoring.violation(
      edge,
      'unsafe-without-idempotency',
      'retry-needs-idempotency',
      'compensation-is-idempotent',
    )
    if (against !== undefined) return against
    const at = declared.idempotency ?? operation.location
    if (values.idempotency === 'none') {
      return no(
        `\`${nameOf(operation)}\` says that a repeated one has another effect`,
        at,
        'declare `idempotency` with a key, or make the effect one that can be repeated',
      )
    }
    if (natural && operation.kind === 'http') return yes(`${operation.method} is idempotent by RFC 9110`, at)
    if (values.idempotency === 'natural') return yes('its effect can be repeated', at)
    const needed = values.idempotency.required ? '' : ', for whoever sends its key'
    return yes(`one effect a key${needed}`, at)
  },
}
