import { createHash } from 'node:crypto'
import type { Severity } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'
import { optional } from '../model/optional.ts'
import { union } from './consumers.ts'
import type { Bump, Consumer, DiffFinding, DiffRule, Direction, Level, Policy } from './model.ts'

/** What a check knows of a change; the rest comes from its rule. */
export interface Change {
  /** in the revision: the changed thing, or the nearest that is left of what held it */
  readonly at: SourceLocation
  readonly base?: SourceLocation | undefined
  readonly place: string
  readonly message: string
  /** where the rule's own advice is not the best */
  readonly suggestion?: string
  /** where the rule's own level is not this one's (a webhook is sent, not received) */
  readonly level?: Level
  readonly direction?: Direction
  readonly keyword?: string
  readonly before?: unknown
  readonly after?: unknown
  readonly witness?: string
  /** of whoever relies on it; the subject's by default */
  readonly consumers?: readonly Consumer[]
}

/** Whose change it is. */
export interface Subject {
  readonly service: string
  readonly owner?: string | undefined
  /** `<service>.<operation>`, or the service alone */
  readonly ref: string
  /** `POST /orders` */
  readonly label: string
  readonly document?: string | undefined
  /** who relies on it, as far as is known without looking at the change */
  readonly consumers?: readonly Consumer[]
}

/** Collects changes. The same change of one schema, met through several operations, is one finding. */
export class Changes {
  readonly #found = new Map<string, DiffFinding>()
  readonly #policy: Policy
  looked = 0

  constructor(policy: Policy) {
    this.#policy = policy
  }

  add(id: string, rule: DiffRule, subject: Subject, change: Change): void {
    const level = change.level ?? (this.#policy === 'strict' ? rule.strict : undefined) ?? rule.level
    const consumers = (change.consumers ?? subject.consumers ?? []).map((one) => ({
      ...one,
      broken: atMost(level, one),
    }))
    const known = this.#same(id, level, subject, change)
    const merged = known === undefined ? undefined : this.#found.get(known.key)
    if (known !== undefined && merged !== undefined) {
      const where = `${subject.label} ${change.place}`
      const first = `${merged.label} ${merged.place}`
      const also = where === first || merged.also.includes(where) ? merged.also : [...merged.also, where]
      this.#found.set(known.key, { ...merged, also, consumers: union(merged.consumers, consumers) })
      return
    }
    const { keyword, before, after } = change
    const finding: DiffFinding = {
      id,
      severity: severityOf(level),
      file: change.at.file,
      line: change.at.line,
      column: change.at.column,
      message: change.message,
      suggestion: change.suggestion ?? rule.fix,
      level,
      bump: rule.bump ?? bumpOf(level),
      area: rule.area,
      fingerprint: fingerprint([
        id,
        subject.ref,
        subject.label,
        change.place,
        keyword ?? '',
        JSON.stringify(before) ?? '',
        JSON.stringify(after) ?? '',
      ]),
      service: subject.service,
      ...optional('owner', subject.owner),
      subject: subject.ref,
      label: subject.label,
      place: change.place,
      ...optional('direction', change.direction),
      ...optional('keyword', keyword),
      ...optional('before', before),
      ...optional('after', after),
      ...optional('witness', change.witness),
      ...optional('base', change.base),
      also: [],
      consumers,
      ...optional('document', subject.document),
    }
    const key = known?.key ?? JSON.stringify([finding.fingerprint, finding.message])
    this.#found.set(key, finding)
  }

  /** What makes two changes one: the same line of the same schema, changed in the same way, for the same direction. */
  #same(id: string, level: Level, subject: Subject, change: Change): { key: string } | undefined {
    if (change.keyword === undefined) return undefined
    const { file, line, column } = change.at
    const at = change.base === undefined ? '' : `${change.base.line}:${change.base.column}`
    const what = [id, level, subject.service, file, line, column, at, change.direction, change.keyword]
    return { key: JSON.stringify([...what, change.before, change.after]) }
  }

  /** Breaking first; then by place in the revision. */
  sorted(): readonly DiffFinding[] {
    const order: readonly Level[] = ['breaking', 'warning', 'minor', 'info']
    return [...this.#found.values()].sort(
      (a, b) =>
        order.indexOf(a.level) - order.indexOf(b.level) ||
        compare(a.service, b.service) ||
        compare(a.file, b.file) ||
        a.line - b.line ||
        a.column - b.column ||
        compare(a.id, b.id),
    )
  }
}

/** Nobody is broken by what offers more, and nobody for certain by what is only a warning. */
function atMost(level: Level, { broken }: Consumer): Consumer['broken'] {
  if (level === 'minor' || level === 'info') return 'no'
  return level === 'warning' && broken === 'yes' ? 'unknown' : broken
}

export function severityOf(level: Level): Severity {
  return level === 'breaking' ? 'error' : level === 'warning' ? 'warning' : 'info'
}

function bumpOf(level: Level): Bump {
  return level === 'breaking' ? 'major' : level === 'minor' ? 'minor' : 'patch'
}

function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 16)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
