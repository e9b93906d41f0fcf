import type { IntegrationStyle } from '../model/integration.ts'
import type { SourceLocation } from '../model/location.ts'

/**
 * How sure an answer is, each above the one before.
 *
 * - `none`: there is nothing to go by
 * - `declared`: it is written down, and what is written down agrees with itself
 * - `tested`: a verify report of this very commit shows it
 * - `observed`: traces show it in production. The level exists; nothing awards it yet
 */
export type Evidence = 'none' | 'declared' | 'tested' | 'observed'

export type QuestionId =
  | 'default-style'
  | 'idempotency'
  | 'key-written-down'
  | 'failures'
  | 'coordination'
  | 'formal-contract'
  | 'contract-tests'
  | 'no-libraries'
  | 'push'
  | 'correlation'

/** What an answer is based on. */
export interface Basis {
  readonly text: string
  /** absent where it is no line of a document: a report, RFC 9110 */
  readonly at?: Place
}

export type Place = Pick<SourceLocation, 'file' | 'line'>

/** One question, asked of one integration. */
export interface Answer {
  readonly question: QuestionId
  /** `not-asked`: it means nothing here, and counts nowhere */
  readonly answer: 'yes' | 'no' | 'not-asked'
  readonly evidence: Evidence
  /** 0 for no, 0.5 for what is only declared, 1 for what is tested or observed; absent where it is not asked */
  readonly score?: number
  readonly because: readonly Basis[]
  /** what would make it better; absent where it is not asked */
  readonly raise?: string
}

type CouplingDimension = 'time' | 'schema' | 'deployment' | 'operations' | 'format'

export interface Coupling {
  readonly dimension: CouplingDimension
  readonly level: 'low' | 'medium' | 'high'
  readonly because: string
}

/** An integration as the scorecard sees it: declared ones, and what a service offers to whoever comes. */
export interface ScoredIntegration {
  /** `orders → payments.quotePrice`; `callers → orders.placeOrder` where nobody of the system is known to use it */
  readonly name: string
  readonly kind: 'call' | 'message'
  readonly ref: string
  /** absent where it is nobody of the system */
  readonly consumer?: string
  readonly provider?: string
  readonly style: IntegrationStyle
  readonly location: Place
  /** the ten, in order */
  readonly answers: readonly Answer[]
  /** the five, in order */
  readonly coupling: readonly Coupling[]
  /** mean of the scores of what was asked; absent where nothing was */
  readonly score?: number
}

/** One question, answered for the whole system. */
export interface SystemAnswer {
  readonly number: number
  readonly question: QuestionId
  readonly title: string
  /** `partly`: some integrations say yes */
  readonly answer: 'yes' | 'partly' | 'no' | 'not-asked'
  /** the weakest of its yes answers */
  readonly evidence: Evidence
  readonly yes: number
  readonly tested: number
  readonly asked: number
  /** mean over the integrations it was asked of */
  readonly score?: number
  /** findings about the system as a whole, which make it `partly` at best */
  readonly beside: readonly (Basis & { readonly raise: string })[]
}

/** A verify report that was given, and whether it counts. */
export interface ReportUse {
  readonly file: string
  readonly counted: boolean
  /** what it is of, or why it does not count */
  readonly why: string
}

export interface Scorecard {
  /** of this shape */
  readonly version: 1
  readonly system: string
  /** sum of the ten scores, of `of`: questions that were asked of anything */
  readonly score: number
  readonly of: number
  readonly questions: readonly SystemAnswer[]
  readonly integrations: readonly ScoredIntegration[]
  readonly reports: readonly ReportUse[]
  readonly looked: { readonly services: number; readonly integrations: number; readonly files: number }
}
