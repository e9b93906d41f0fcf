import { inWords } from '../../rules/durations.ts'
import { nameOf } from '../../rules/operations.ts'
import { worker } from '../edges.ts'
import { no, notAsked, type Question, yes } from '../question.ts'
import { idempotency } from './idempotency.ts'

export const keyWrittenDown: Question = {
  number: 3,
  id: 'key-written-down',
  title: 'key, retention and overlap written down',
  asks: 'Is it written down what the key is, how long it is remembered, and what a second copy gets while the first runs?',
  proofs(edge) {
    const operation = worker(edge)
    if (operation === undefined) return []
    // How long a key is kept no run can show; that it is this key, and what a copy gets, it can.
    const checks = operation.kind === 'http' ? { checks: ['mismatch', 'overlap-answer'] } : {}
    return [{ ref: nameOf(operation), member: 'idempotency', ...checks }]
  },
  judge(edge, scoring) {
    const operation = worker(edge)
    if (operation === undefined) return notAsked('who receives it is not in this system')
    if (idempotency.judge(edge, scoring).answer === 'not-asked') return notAsked('it only reads', operation.location)
    const { values, declared, natural, keyMembers = {} } = operation.guarantees
    const { idempotency: promised } = values
    if (declared.idempotency === undefined && !natural) {
      return no(
        'nothing is written down',
        operation.location,
        'declare `idempotency` with `key`, `retention` and `onOverlap`',
      )
    }
    const at = declared.idempotency ?? operation.location
    if (promised === 'none') return notAsked('it has no key: a repeated one has another effect', at)
    if (promised === 'natural') return notAsked('it needs no key', at)
    // On messages a second copy always waits: there is nothing to write.
    const members = operation.kind === 'http' ? ['key', 'retention', 'onOverlap'] : ['key', 'retention']
    const missing = members.filter((member) => keyMembers[member] === undefined)
    if (missing.length > 0) {
      const text = missing.map((one) => `\`${one}\``).join(' and ')
      return no(
        `${text} ${missing.length > 1 ? 'are' : 'is'} left to the default`,
        at,
        `write ${text} into \`idempotency\``,
      )
    }
    const short = scoring.violation(edge, 'retention-covers-redelivery', 'retention-covers-caller-retry')
    if (short !== undefined) return short
    const overlap = promised.onOverlap === 'wait' ? 'a second copy waits' : 'a second copy is refused'
    return yes(`remembered for ${inWords(promised.retentionMs)}, ${overlap}`, at)
  },
}
