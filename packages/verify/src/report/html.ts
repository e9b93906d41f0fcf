/** One file that needs nothing else: the verdicts, and of each counterexample a timeline and a script. */
import type { HistoryRecord } from '../history/records.ts'
import type { CheckVerdict, GuaranteeVerdict, VerifyReport } from '../judge/verdict.ts'
import { curlScript } from './curl-script.ts'
import { cut, escaped, storyOf, timeline } from './timeline.ts'

/** A browser that is given more is no help to anybody; the history has all of it. */
const most = { rows: 1000, examples: 100, reasons: 20 }

export function htmlReport(report: VerifyReport, records: readonly HistoryRecord[]): string {
  const { declared, tested, passed } = report.guarantees
  const order = ['FAIL', 'INCONCLUSIVE', 'WEAK', 'PASS', 'NOT TESTED']
  const results = report.results.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
  const failed = results.flatMap(({ checks }) => checks).filter(({ verdict }) => verdict === 'FAIL')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>spandrel verify: ${passed} of ${declared}</title><style>${style}</style></head><body>
<h1>${declared} guarantees declared, ${tested} tested, ${passed} passed</h1>
<p>${escaped(report.started)}, profile ${escaped(report.profile)}, seed ${report.seed}</p>
${report.stopped === undefined ? '' : `<p class="FAIL">${cut(report.stopped, 600)}</p>`}
<table><thead><tr><th>operation</th><th>guarantee</th><th>verdict</th><th>checks (trials that proved something / all)</th></tr></thead><tbody>
${results.slice(0, most.rows).map(row).join('\n')}
</tbody></table>
${more(results.length - most.rows, 'guarantees')}
${failed.length === 0 ? '' : legend}
${failed
  .slice(0, most.examples)
  .map((check) => example(check, records))
  .join('\n')}
${more(failed.length - most.examples, 'counterexamples')}
</body></html>
`
}

function more(count: number, what: string): string {
  return count > 0 ? `<p>${count} more ${what} are in the report of --json.</p>` : ''
}

function row({ ref, member, verdict, checks, untested }: GuaranteeVerdict): string {
  const own = checks.map(
    (check) =>
      `<span class="${check.verdict}" title="${cut(`${check.promise}. ${check.notes.join('; ')}`, 600)}">${escaped(check.check)} ${check.confirmed}/${check.trials}${check.verdict === 'PASS' ? ` (${cut(check.notes.join('; '), 200)})` : ''}</span>`,
  )
  const reasons = untested
    .slice(0, most.reasons)
    .map(({ check, why }) => `<p>${escaped(check)}: ${cut(why, 600)}</p>`)
    .join('')
  const missing =
    untested.length > 0 ? `<details><summary>${untested.length} not tested</summary>${reasons}</details>` : ''
  return `<tr><td>${escaped(ref)}</td><td>${escaped(member)}</td><td class="${verdict.replace(' ', '-')}">${verdict}</td><td>${own.join(' ')}${missing}</td></tr>`
}

function example(check: CheckVerdict, records: readonly HistoryRecord[]): string {
  const [first] = check.counterexamples
  if (first === undefined) return ''
  const drawn = timeline(storyOf(records, first.trial), new Set(first.requests))
  const script = curlScript(records, check, first)
  const others = check.counterexamples.length - 1
  return `<section id="${escaped(check.finding)}"><h2>${escaped(check.finding)}</h2><p>Promised: ${escaped(check.promise)}.</p>
<p>Done: ${cut(first.about, 600)}. <b>Seen: ${cut(first.what, 600)}.</b>${others > 0 ? ` And ${others} more like it.` : ''}</p>${drawn}
<p>Again: <code>spandrel verify --repeat ${escaped(check.finding)}</code></p>${
    script === undefined
      ? ''
      : `<details><summary>as a shell script</summary><pre>${cut(script, 20_000)}</pre></details>`
  }</section>`
}

const legend = `<p class="legend"><span class="key ok"></span>2xx, or a delivery until its effect was seen <span class="key fail"></span>4xx <span class="key unknown"></span>5xx, no answer, or no effect seen <span class="key telling"></span>shows the fault <span class="key effect"></span>an effect <span class="key sent"></span>a message it sent, an outcome <span class="key down"></span>killed <span class="key broken"></span>a dependency is broken</p>`

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}td:last-child{overflow-wrap:anywhere}td:nth-child(-n+3){white-space:nowrap}
td span{white-space:nowrap;margin-right:.4rem}.PASS{color:#1a7f37}.FAIL{color:#cf222e;font-weight:600}.WEAK,.INCONCLUSIVE{color:#9a6700}.NOT-TESTED{color:#656d76}
svg{width:100%;background:#f6f8fa;border-radius:6px}svg text{font:12px ui-monospace,monospace;fill:#1b1f24}svg text.axis{fill:#656d76;text-anchor:middle;font-size:10px}
rect.ok{fill:#4ac26b}rect.fail{fill:#d4a72c}rect.unknown{fill:#afb8c1}rect.copy{fill:#54aeff}rect.telling{stroke:#cf222e;stroke-width:2}
rect.down{fill:#cf222e;opacity:.12}rect.broken{fill:#9a6700;opacity:.12}line.effect,line.dead{stroke:#cf222e;stroke-width:4}line.sent{stroke:#0969da;stroke-width:3}line.grid{stroke:#d8dee4}
.legend{font-size:13px;color:#656d76}.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 .8em;vertical-align:-.05em}
.key.ok{background:#4ac26b}.key.fail{background:#d4a72c}.key.unknown{background:#afb8c1}.key.telling{outline:2px solid #cf222e}.key.effect{background:#cf222e;width:.25em}.key.sent{background:#0969da;width:.2em}.key.down{background:#cf222e33}.key.broken{background:#9a670033}
pre{overflow:auto;background:#f6f8fa;padding:.6rem;border-radius:6px;font-size:12px}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}svg,pre{background:#161b22}svg text{fill:#e6edf3}svg text.axis{fill:#8d96a0}td,th{border-color:#30363d}line.grid{stroke:#30363d}.PASS{color:#3fb950}.FAIL{color:#f85149}.WEAK,.INCONCLUSIVE{color:#d29922}}`
