/** One file that needs nothing else: no script, no font, no request. For a phone as for a wall. */
import type { Answer, Basis, Scorecard, ScoredIntegration, SystemAnswer } from './model.ts'

interface PageOptions {
  /** how a path is shown; as it is by default */
  readonly shown?: (file: string) => string
}

type Shown = (file: string) => string

export function scorecardPage(card: Scorecard, { shown = (file) => file }: PageOptions = {}): string {
  const { score, of, system, questions, integrations, reports } = card
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${escaped(system)}: ${score} of ${of}</title><style>${style}</style></head><body>
<h1>${escaped(system)}: <b>${score}</b> of ${of}</h1>
<p>${card.looked.integrations} integrations, ${card.looked.services} services. What is only declared counts half; what a verify report of this commit shows counts whole. <i>Observed</i> is not awarded yet.</p>
<ol>${questions.map((one) => systemAnswer(one, card, shown)).join('\n')}</ol>
<h2>Integrations</h2>
<p class="key"><span class="tested">● tested</span> <span class="declared">◐ declared</span> <span class="no">○ no</span> <span class="not-asked">· not asked</span></p>
<div class="wide"><table><thead><tr><th>integration</th>${questions.map(({ number, title }) => `<th title="${escaped(title)}">${number}</th>`).join('')}${dimensions.map((name) => `<th>${name}</th>`).join('')}</tr></thead><tbody>
${integrations.map((one, at) => matrixRow(one, at)).join('\n')}
</tbody></table></div>
${integrations.map((one, at) => details(one, at, questions, shown)).join('\n')}
${reports.length === 0 ? '' : `<h2>Reports</h2><ul class="plain">${reports.map(({ file, counted, why }) => `<li class="${counted ? 'tested' : 'no'}">${escaped(shown(file))}${counted ? '' : ' does not count'}: ${escaped(why)}</li>`).join('')}</ul>`}
</body></html>
`
}

const dimensions = ['time', 'schema', 'deployment', 'operations', 'format']

function systemAnswer(one: SystemAnswer, { integrations }: Scorecard, shown: Shown): string {
  const { question, title, answer, evidence, yes, asked, tested, beside } = one
  const many = asked === 0 ? 'not asked' : `${yes} of ${asked}${tested > 0 && tested < yes ? `, ${tested} tested` : ''}`
  const open = integrations.flatMap(({ name, answers }) =>
    answers
      .filter((each) => each.question === question && each.answer === 'no')
      .map(
        (each) =>
          `<li><b>${escaped(name)}</b> ${reason(each.because[0], shown)}<br><i>${escaped(each.raise ?? '')}</i></li>`,
      ),
  )
  const others = beside.map((each) => `<li>${reason(each, shown)}<br><i>${escaped(each.raise)}</i></li>`)
  const list = [...open, ...others]
  const sure = evidence === 'none' ? '' : `, ${evidence}`
  return `<li><span class="${answer}">${answer === 'not-asked' ? 'not asked' : answer}</span> ${escaped(title)} <small>${many}${asked === 0 ? '' : sure}</small>${
    list.length === 0 ? '' : `<details><summary>what would raise it</summary><ul>${list.join('')}</ul></details>`
  }</li>`
}

function matrixRow({ name, answers, coupling }: ScoredIntegration, at: number): string {
  return `<tr><th><a href="#i${at}">${escaped(name)}</a></th>${answers
    .map(
      (answer) =>
        `<td class="${classOf(answer)}" title="${escaped(answer.because[0]?.text ?? '')}">${mark(answer)}</td>`,
    )
    .join(
      '',
    )}${coupling.map(({ level, because }) => `<td class="${level}" title="${escaped(because)}">${level}</td>`).join('')}</tr>`
}

function details(
  { name, style, answers, coupling }: ScoredIntegration,
  at: number,
  questions: readonly SystemAnswer[],
  shown: Shown,
): string {
  const rows = answers.map((answer, index) => {
    const raise = answer.raise === undefined ? '' : `<br><i>${escaped(answer.raise)}</i>`
    return `<li class="${classOf(answer)}"><b>${escaped(questions[index]?.title ?? '')}</b> ${mark(answer)}<br><span>${answer.because.map((one) => reason(one, shown)).join('; ')}${raise}</span></li>`
  })
  const coupled = coupling.map(
    ({ dimension, level, because }) =>
      `<li><b>${dimension}</b> <span class="${level}">${level}</span><br><span>${escaped(because)}</span></li>`,
  )
  return `<section id="i${at}"><details><summary>${escaped(name)} <small>${style}</small></summary><ol>${rows.join('')}</ol><h3>Coupling</h3><ul class="plain">${coupled.join('')}</ul></details></section>`
}

function reason(one: Basis | undefined, shown: Shown): string {
  if (one === undefined) return ''
  return one.at === undefined
    ? escaped(one.text)
    : `${escaped(one.text)} <code>${escaped(shown(one.at.file))}:${one.at.line}</code>`
}

function classOf({ answer, evidence }: Answer): string {
  return answer === 'yes' ? evidence : answer
}

function mark({ answer, evidence }: Answer): string {
  if (answer === 'not-asked') return '·'
  if (answer === 'no') return '○'
  return evidence === 'declared' ? '◐' : '●'
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:1.5rem auto;padding:0 1rem;color:#1b1f24;background:#fff;overflow-wrap:anywhere}
h1{font-weight:400;font-size:1.6rem}small,i,.key,section span{color:#57606a;font-style:normal}code{font:.85em ui-monospace,monospace}
ol>li{margin:.4rem 0}ul.plain{list-style:none;padding:0}ul.plain li{margin:.4rem 0}summary{cursor:pointer;padding:.4rem 0}section{border-top:1px solid #d8dee4}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;overflow-wrap:normal}td,th{padding:.25rem .45rem;border-bottom:1px solid #d8dee4;text-align:center;white-space:nowrap}tbody th{text-align:left;font-weight:400;position:sticky;left:0;background:#fff}
a{color:inherit}.yes,.tested,.observed,.low{color:#1a7f37}.declared,.partly,.medium{color:#9a6700}.no,.high{color:#cf222e}.not-asked{color:#656d76}section li{color:inherit}section .low{color:#1a7f37}section .medium{color:#9a6700}section .high{color:#cf222e}
@media (prefers-color-scheme:dark){body,tbody th{color:#e6edf3;background:#0d1117}small,i,.key,section span,.not-asked{color:#9198a1}td,th,section{border-color:#30363d}.yes,.tested,.observed,.low,section .low{color:#3fb950}.declared,.partly,.medium,section .medium{color:#d29922}.no,.high,section .high{color:#f85149}}`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
