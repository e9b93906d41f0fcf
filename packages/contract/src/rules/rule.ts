import type { Severity } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'
import type { System } from '../model/system.ts'
import type { Node } from '../source/node.ts'
import type { Repository } from './repository/repository.ts'

/** What a rule is about; `spandrel check` and the docs list rules by it. */
export type RuleArea =
  | 'idempotency'
  | 'delivery'
  | 'ordering'
  | 'failure'
  | 'completion'
  | 'compensation'
  | 'coupling'
  | 'governance'
  | 'schema'
  | 'security'
  | 'observability'
  | 'settings'

/** What a rule reads. */
export type RuleFormat = 'openapi' | 'asyncapi' | 'spandrel' | 'repository'

/** Something that must hold between the contracts of a system. One a file; the table lists them. */
export interface Rule {
  /** stable, kebab-case; also its page in docs/rules */
  readonly id: string
  /** its default; `check.severities` of spandrel.yaml overrides it */
  readonly severity: Severity
  readonly area: RuleArea
  readonly formats: readonly RuleFormat[]
  /** one sentence: what must hold */
  readonly law: string
  /** what goes wrong where it does not, in a paragraph */
  readonly why: string
  /** what to do, in a sentence */
  readonly fix: string
  /** absent: found while documents are read, or when rules are applied */
  readonly check?: (context: RuleContext) => Iterable<Violation>
}

export interface Violation {
  readonly at: SourceLocation
  /** what `check.acknowledged` names it by: `orders`, `orders.placeOrder`, `orders → payments.quotePrice` */
  readonly subject: string
  readonly message: string
  /** the rule's own where absent */
  readonly fix?: string
  /**
   * Something is not said. In a document that has no `x-guarantees` at all, absences are summed up in one remark a
   * rule: its author has not begun yet, and a line for each operation would only hide the rest.
   */
  readonly absence?: true
  /** where it differs from the rule's */
  readonly severity?: Severity
}

export interface RuleContext {
  readonly system: System
  /** `2026-11-22`, in UTC */
  readonly today: string
  /** what was written at a place of a document; undefined where there is nothing */
  readonly node: (file: string, pointer: string) => Node | undefined
  /** the object itself where a Reference Object may stand; undefined where it leads nowhere */
  readonly follow: (node: Node | undefined) => Node | undefined
  /** files beside the contracts */
  readonly repository: Repository
}
