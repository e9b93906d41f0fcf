import type { Service } from '../model/system.ts'
import { couplingOf } from './coupling.ts'
import { optional } from '../model/optional.ts'
import { changesState } from '../rules/operations.ts'
import { type Edge, worker } from './edges.ts'
import { type CheckedOut, Evidence, type GivenReport } from './evidence.ts'
import type { Answer, Scorecard, ScoredIntegration, SystemAnswer } from './model.ts'
import { placeAt, type Question, type Scoring } from './question.ts'
import { questions } from './questions/all.ts'

export interface ScoreOptions {
  /** what `spandrel verify --json` printed, from any runs */
  readonly reports?: readonly GivenReport[]
  /** what is checked out where a service's contracts are; unknown by default, and then no report counts */
  readonly commitOf?: (service: Service) => CheckedOut | undefined
}

/** The ten questions, asked of every integration of a system and of the whole. Reads files only. */
export function scorecardOf(scoring: Scoring, options: ScoreOptions = {}): Scorecard {
  const { system } = scoring
  const evidence = new Evidence(options.reports ?? [], system, options.commitOf ?? (() => undefined))
  const integrations = scoring.edges.map((edge) => scored(edge, scoring, evidence))
  const answers = questions.map((question) => ofSystem(question, integrations, scoring))
  const asked = answers.filter(({ score }) => score !== undefined)
  return {
    version: 1,
    system: system.name,
    score: rounded(asked.reduce((sum, { score = 0 }) => sum + score, 0)),
    of: asked.length,
    questions: answers,
    integrations,
    reports: evidence.reports,
    looked: {
      services: Object.keys(system.services).length,
      integrations: integrations.length,
      files: new Set(Object.values(system.services).flatMap(({ documents }) => documents.map(({ file }) => file))).size,
    },
  }
}

function scored(edge: Edge, scoring: Scoring, evidence: Evidence): ScoredIntegration {
  const answers = questions.map((question) => answerTo(question, edge, scoring, evidence))
  const scores = answers.flatMap(({ score }) => (score === undefined ? [] : [score]))
  return {
    name: edge.name,
    kind: edge.kind,
    ref: edge.ref,
    ...optional('consumer', edge.consumer?.name),
    ...optional('provider', edge.provider?.name),
    style: edge.style,
    location: placeAt(edge.location),
    answers,
    coupling: couplingOf(edge, scoring),
    ...optional('score', scores.length === 0 ? undefined : rounded(mean(scores))),
  }
}

function answerTo(question: Question, edge: Edge, scoring: Scoring, evidence: Evidence): Answer {
  const judged = question.judge(edge, scoring)
  const { answer, because } = judged
  const { id } = question
  if (answer === 'not-asked') return { question: id, answer, evidence: 'none', because }
  const shown = shownBy(question, edge, evidence)
  if (answer === 'no' && shown === undefined) {
    return { question: id, answer, evidence: 'none', score: 0, because, raise: judged.raise }
  }
  if (shown?.broken !== undefined) {
    // What a run has shown to be untrue is worse than silence: the declaration does not count.
    const text = `${shown.file} shows the contrary: ${shown.broken} failed`
    const raise = `mend it: spandrel verify --repeat ${shown.broken}`
    return { question: id, answer: 'no', evidence: 'tested', score: 0, because: [{ text }, ...because], raise }
  }
  if (answer === 'no' && question.anyRun !== 'of any outcome') {
    return { question: id, answer, evidence: 'none', score: 0, because, raise: judged.raise }
  }
  if (shown !== undefined) {
    const reasons = answer === 'no' ? [{ text: shown.file }] : [{ text: `shown by ${shown.file}` }, ...because]
    const raise = 'nothing does yet: `observed` needs traces, which no command reads so far'
    return { question: id, answer: 'yes', evidence: 'tested', score: 1, because: reasons, raise }
  }
  return { question: id, answer: 'yes', evidence: 'declared', score: 0.5, because, raise: raiseOf(question, edge) }
}

function shownBy(question: Question, edge: Edge, evidence: Evidence): { file: string; broken?: string } | undefined {
  const operation = worker(edge)
  if (question.anyRun === undefined || operation === undefined) return evidence.shows(question.proofs(edge))
  const ran = evidence.of([`${operation.service}.${operation.operation}`])
  const counts = question.anyRun === 'of any outcome' || ran?.verdicts.includes('PASS') === true
  return ran === undefined || !counts ? undefined : { file: ran.file }
}

function raiseOf(question: Question, edge: Edge): string {
  const operation = worker(edge)
  const members = [...new Set(question.proofs(edge).map(({ member }) => member))]
  const untestable = 'nothing does yet: it takes traces (`observed`), which no command reads so far'
  if (operation === undefined || (members.length === 0 && question.anyRun === undefined)) return untestable
  if (operation.kind === 'http' && !changesState(operation))
    return `\`verify\` leaves alone what only reads; ${untestable}`
  const { service } = operation
  const shows = members.length === 0 ? '' : ` that passes ${members.join(' and ')}`
  return `a run on this commit${shows}: \`spandrel verify --service ${service} --json > ${service}.json\`, then \`--evidence ${service}.json\``
}

function ofSystem(question: Question, integrations: readonly ScoredIntegration[], scoring: Scoring): SystemAnswer {
  const all = integrations.flatMap(({ answers }) => answers.filter((one) => one.question === question.id))
  const asked = all.filter(({ answer }) => answer !== 'not-asked')
  const good = asked.filter(({ answer }) => answer === 'yes')
  const tested = good.filter((one) => one.evidence === 'tested' || one.evidence === 'observed').length
  const beside = question.beside?.(scoring) ?? []
  const scores = asked.map(({ score = 0 }) => score)
  // A fault beside the integrations weighs as much as one of them.
  const score = asked.length === 0 ? undefined : rounded(mean([...scores, ...beside.map(() => 0)]))
  return {
    number: question.number,
    question: question.id,
    title: question.title,
    answer:
      asked.length === 0
        ? 'not-asked'
        : good.length === 0
          ? 'no'
          : good.length === asked.length && beside.length === 0
            ? 'yes'
            : 'partly',
    evidence: good.length === 0 ? 'none' : tested === good.length ? 'tested' : 'declared',
    yes: good.length,
    tested,
    asked: asked.length,
    ...optional('score', score),
    beside,
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Two digits: what is printed can be added up. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
