import type { SourceLocation } from '../model/location.ts'
import type { Service } from '../model/system.ts'
import type { RuleContext, Violation } from '../rules/rule.ts'
import type { ClientLibrary } from '../rules/required-client-library.ts'
import type { Handover } from '../rules/undeclared-workflow.ts'
import type { CiTest } from './ci.ts'
import type { Edge } from './edges.ts'
import type { Proof } from './evidence.ts'
import type { Basis, Place, QuestionId } from './model.ts'

/** One of the ten. Each is asked of every integration; one a file. */
export interface Question {
  readonly number: number
  readonly id: QuestionId
  /** for a table */
  readonly title: string
  /** in a sentence */
  readonly asks: string
  readonly judge: (edge: Edge, scoring: Scoring) => Judgement
  /** what a verify report has to show for `tested`; none: a run cannot show it */
  readonly proofs: (edge: Edge) => readonly Proof[]
  /** any verdict about the integration is proof enough: that there was a run is what was asked */
  readonly anyRun?: 'of any outcome' | 'passed'
  /** faults that belong to no integration */
  readonly beside?: (scoring: Scoring) => readonly (Basis & { readonly raise: string })[]
}

export type Judgement =
  | { readonly answer: 'yes'; readonly because: readonly Basis[] }
  | { readonly answer: 'no'; readonly because: readonly Basis[]; readonly raise: string }
  | { readonly answer: 'not-asked'; readonly because: readonly Basis[] }

/** What answers are drawn from: the documents, and what the rules of `check` say about them. */
export interface Scoring extends RuleContext {
  readonly edges: readonly Edge[]
  /** the first violation of any of these rules that is about the integration */
  readonly violation: (edge: Edge, ...rules: readonly string[]) => Judgement | undefined
  /** all violations of a rule */
  readonly violations: (rule: string) => readonly (Violation & { readonly fix: string })[]
  /** services that are built with code of another one */
  readonly clientLibraries: readonly ClientLibrary[]
  /** what a service is built with */
  readonly manifests: (service: Service) => readonly string[]
  /** work that goes from service to service without a name */
  readonly handovers: readonly Handover[]
  /** where CI runs contract tests of its provider, or, where that is another company's, against it */
  readonly contractTests: (edge: Edge) => CiTest | undefined
}

export function yes(text: string, at?: Place): Judgement {
  return { answer: 'yes', because: [basis(text, at)] }
}

export function no(text: string, at: Place | undefined, raise: string): Judgement {
  return { answer: 'no', because: [basis(text, at)], raise }
}

export function notAsked(text: string, at?: Place): Judgement {
  return { answer: 'not-asked', because: [basis(text, at)] }
}

export function basis(text: string, at: Place | undefined): Basis {
  return at === undefined ? { text } : { text, at: placeAt(at) }
}

/** A column and a pointer say nothing to whoever reads a scorecard. */
export function placeAt({ file, line }: Place | SourceLocation): Place {
  return { file, line }
}
