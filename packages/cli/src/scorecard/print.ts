import type { Answer, Basis, Scorecard, ScoredIntegration, SystemAnswer } from '@spandrel/contract'
import type { Output, Paint } from '../output/output.ts'
import { count, table } from '../output/table.ts'
import { shown } from '../system/find-config.ts'

/** A table of a thousand operations is read by nobody; the weakest come first. */
const MOST_ROWS = 40

/** The ten for the system, the integrations in a table, and where to begin. */
export function printScorecard(card: Scorecard, output: Output, options: { why: boolean }): void {
  const { paint } = output
  for (const line of table([
    ['', 'QUESTION', 'ANSWER', 'EVIDENCE', 'INTEGRATIONS'],
    ...card.questions.map((one) => systemRow(one, paint)),
  ])) {
    output.line(line)
  }
  output.line()
  const integrations = options.why ? card.integrations : weakest(card.integrations)
  const head = ['INTEGRATION', ...card.questions.map(({ number }) => String(number)), 'COUPLING']
  for (const line of table([head, ...integrations.map((one) => integrationRow(one, paint))])) output.line(line)
  const left = card.integrations.length - integrations.length
  if (left > 0) output.line(paint('dim', `and ${left} more that score better: --why shows all of them`))
  output.line(
    paint('dim', '● tested  ◐ declared  ○ no  · not asked    coupling: time schema deployment operations format'),
  )
  if (options.why) for (const one of card.integrations) why(one, card, output)
  else whatWouldRaiseIt(card, output)
  for (const { file, counted, why: reason } of card.reports) {
    if (counted) output.line(`\n${file}: ${reason}`)
    else output.warn(`${file} does not count: ${reason}`)
  }
  output.line()
  output.line(
    `${paint('bold', `${card.score} of ${card.of}`)}  ${card.system}: ${count(card.looked.integrations, 'integration')}, ${count(card.looked.services, 'service')}`,
  )
}

function systemRow(one: SystemAnswer, paint: Paint): string[] {
  const { number, title, answer, evidence, yes, asked, tested } = one
  const many = asked === 0 ? '' : `${yes} of ${asked}${tested > 0 && tested < yes ? `, ${tested} tested` : ''}`
  return [String(number), title, painted(answer, paint), evidence === 'none' ? '' : evidence, many]
}

function painted(answer: SystemAnswer['answer'], paint: Paint): string {
  const style = { yes: 'green', partly: 'yellow', no: 'red', 'not-asked': 'dim' } as const
  return paint(style[answer], answer === 'not-asked' ? 'not asked' : answer)
}

function weakest(all: readonly ScoredIntegration[]): readonly ScoredIntegration[] {
  if (all.length <= MOST_ROWS) return all
  return [...all].sort((a, b) => (a.score ?? 1) - (b.score ?? 1)).slice(0, MOST_ROWS)
}

function integrationRow({ name, answers, coupling }: ScoredIntegration, paint: Paint): string[] {
  const levels = coupling.map(({ level }) => {
    const style = { low: 'green', medium: 'yellow', high: 'red' } as const
    return paint(style[level], level.padEnd(6))
  })
  return [name, ...answers.map((answer) => mark(answer, paint)), levels.join(' ')]
}

function mark({ answer, evidence }: Answer, paint: Paint): string {
  if (answer === 'not-asked') return paint('dim', '·')
  if (answer === 'no') return paint('red', '○')
  return evidence === 'declared' ? paint('yellow', '◐') : paint('green', '●')
}

/** One line for each question that is not answered everywhere: the first of what keeps it from being so. */
function whatWouldRaiseIt(card: Scorecard, output: Output): void {
  const lines = card.questions.flatMap(({ question, number, beside }) => {
    const open = card.integrations.flatMap(({ name, answers }) =>
      answers.filter((one) => one.question === question && one.answer === 'no').map((answer) => ({ name, answer })),
    )
    const [first] = open
    const [other] = beside
    if (first === undefined && other === undefined) return []
    const reason = first?.answer.because[0] ?? other
    const rest = open.length + beside.length - 1
    return [
      `  ${String(number).padStart(2)}  ${first === undefined ? '' : `${first.name}: `}${textOf(reason)}${rest > 0 ? ` (and ${rest} more)` : ''}`,
      `      ${output.paint('dim', `do   ${first?.answer.raise ?? other?.raise ?? ''}`)}`,
    ]
  })
  if (lines.length === 0) return
  output.line('\nWhere to begin')
  for (const line of lines) output.line(line)
}

function why({ name, answers, coupling, style, score }: ScoredIntegration, card: Scorecard, output: Output): void {
  const { paint } = output
  output.line(`\n${paint('bold', name)}  ${style}${score === undefined ? '' : `, ${score}`}`)
  for (const answer of answers) {
    const { number = 0, title = '' } = card.questions.find(({ question }) => question === answer.question) ?? {}
    output.line(`  ${mark(answer, paint)} ${String(number).padStart(2)} ${title}`)
    for (const reason of answer.because) output.line(`       ${textOf(reason)}`)
    if (answer.raise !== undefined) output.line(`       ${paint('dim', `raise  ${answer.raise}`)}`)
  }
  output.line('  coupling')
  for (const { dimension, level, because } of coupling) {
    output.line(`    ${dimension.padEnd(11)} ${level.padEnd(7)} ${paint('dim', because)}`)
  }
}

function textOf(reason: Basis | undefined): string {
  if (reason === undefined) return ''
  return reason.at === undefined ? reason.text : `${reason.text}  ${shown(reason.at.file)}:${reason.at.line}`
}
