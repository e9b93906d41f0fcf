import type { Expression } from '../../../model/expression.ts'
import type { GuaranteeMember, ResolvedGuarantees } from '../../../model/guarantees.ts'
import type { SourceLocation } from '../../../model/location.ts'
import type { Change, Subject } from '../../changes.ts'
import type { Comparison, Rules } from '../../comparison.ts'
import { reporter } from '../../comparison.ts'

/** The guarantees of one operation on both sides. */
export interface GuaranteePair {
  /** of a receive the consumer promises, of a send the producer; a webhook is `http` */
  readonly kind: 'http' | 'send' | 'receive'
  readonly base: ResolvedGuarantees
  readonly revision: ResolvedGuarantees
  readonly baseAt: SourceLocation
  readonly at: SourceLocation
  readonly subject: Subject
}

/** A promise is what is declared; what a runtime does where nothing is declared is none. */
export function declared(pair: GuaranteePair, member: GuaranteeMember): readonly [boolean, boolean] {
  return [pair.base.declared[member] !== undefined, pair.revision.declared[member] !== undefined]
}

/** Reports changes of one member; `part` is what of it (`retention`), empty for the member as a whole. */
export function guaranteeReporter<R extends Rules>(
  rules: R,
  member: GuaranteeMember,
  pair: GuaranteePair,
  comparison: Comparison,
): (id: keyof R & string, part: string, message: string, before?: unknown, after?: unknown) => void {
  const report = reporter(rules, comparison.changes, pair.subject)
  return (id, part, message, before, after) => {
    const change: Change = {
      at: pair.revision.declared[member] ?? pair.at,
      base: pair.base.declared[member] ?? pair.baseAt,
      place: part === '' ? member : `${member}.${part}`,
      message: `${member}: ${message}`,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    }
    report(id, change)
  }
}

/** As a contract writes it. */
export function expressionText(expression: Expression | undefined): string {
  if (expression === undefined) return 'the whole payload'
  if ('name' in expression) return `$${expression.source}.${expression.name}`
  if ('attribute' in expression) return `$event.${expression.attribute}`
  const pointer = expression.pointer.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return `$${expression.source}#${pointer}`
}

/** Whether two of these texts mean the same place: the name of an HTTP header has no case (RFC 9110, 5.1). */
export function samePlace(before: string | undefined, after: string | undefined): boolean {
  const wire = (text: string | undefined) => text?.replaceAll(/\$request\.header\.\S+/g, (one) => one.toLowerCase())
  return wire(before) === wire(after)
}
