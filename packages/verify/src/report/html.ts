/** One file that needs nothing else: the verdicts, and of each counterexample a timeline (requests as bars, effects as ticks). */
import type { HistoryRecord } from '../history/records.ts'
import { trialsOf, type TrialView } from '../history/trial-view.ts'
import type { CheckVerdict, VerifyReport } from '../judge/verdict.ts'

export function htmlReport(report: VerifyReport, records: readonly HistoryRecord[]): string {
  const trials = new Map(trialsOf(records).map((trial) => [trial.record.trial, trial]))
  const { declared, tested, passed } = report.guarantees
  const rows = report.results.map(
    ({ ref, member, verdict, checks, untested }) =>
      `<tr><td>${escaped(ref)}</td><td>${member}</td><td class="${verdict.replace(' ', '-')}">${verdict}</td><td>${checks
        .map(
          (check) =>
            `<span class="${check.verdict}" title="${escaped(`${check.promise}. ${check.notes.join('; ')}`)}">${check.check} ${check.confirmed}/${check.trials}</span>`,
        )
        .join(
          ' ',
        )}${untested.length > 0 ? `<details><summary>${untested.length} not tested</summary>${untested.map((one) => `<p>${escaped(one.check)}: ${escaped(one.why)}</p>`).join('')}</details>` : ''}</td></tr>`,
  )
  const examples = report.results.flatMap(({ checks }) => checks).filter(({ verdict }) => verdict === 'FAIL')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>spandrel verify: ${passed} of ${declared}</title><style>${style}</style></head><body>
<h1>${declared} guarantees declared, ${tested} tested, ${passed} passed</h1>
<p>${escaped(report.started)}, profile ${escaped(report.profile)}, seed ${report.seed}</p>
<table><thead><tr><th>operation</th><th>guarantee</th><th>verdict</th><th>checks (trials that proved something / all)</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>
${examples.map((check) => example(check, trials)).join('\n')}
</body></html>
`
}

function example(check: CheckVerdict, trials: ReadonlyMap<string, TrialView>): string {
  const [first] = check.counterexamples
  const trial = first === undefined ? undefined : trials.get(first.trial)
  return `<section><h2>${escaped(check.finding)}</h2><p>Promised: ${escaped(check.promise)}.</p><p>Done: ${escaped(first?.about ?? '')}. <b>Seen: ${escaped(first?.what ?? '')}.</b></p>${
    trial === undefined ? '' : timeline(trial, new Set(first?.requests))
  }</section>`
}

const [width, left, rowHeight] = [860, 150, 30]

function timeline(trial: TrialView, telling: ReadonlySet<string>): string {
  const times = trial.requests.flatMap(({ invoke, end }) => [
    end?.sentAt ?? invoke.at,
    end?.lastByteAt ?? end?.at ?? invoke.at,
  ])
  const from = Math.min(...times)
  // Effects are counted when all is over; the ticks stand behind the last answer.
  const to = Math.max(...times, from + 1)
  const x = (time: number): number => left + ((time - from) / (to - from)) * (width - left - 120)
  const bars = trial.requests.map(({ invoke, end }, row) => {
    const [start, stop] = [x(end?.sentAt ?? invoke.at), x(end?.lastByteAt ?? end?.at ?? invoke.at)]
    const y = row * rowHeight + 8
    return `<text x="4" y="${y + 13}">${escaped(invoke.role)} ${escaped(invoke.id)}</text><rect class="${end?.type ?? 'unknown'}${telling.has(invoke.id) ? ' telling' : ''}" x="${start.toFixed(1)}" y="${y}" width="${Math.max(3, stop - start).toFixed(1)}" height="16"><title>${escaped(`${invoke.method} ${invoke.url}\nkey ${invoke.key ?? 'none'}\n${end?.status ?? end?.why ?? ''} ${end?.body ?? ''}`)}</title></rect><text x="${(stop + 5).toFixed(1)}" y="${y + 13}">${end?.status ?? 'no answer'} ${((end?.lastByteAt ?? end?.at ?? 0) - (end?.sentAt ?? 0)).toFixed(0)} ms</text>`
  })
  const markers = [...trial.effects.values()].filter(({ count }) => count !== undefined)
  const base = trial.requests.length * rowHeight + 8
  const ticks = markers.map(({ marker, count = 0 }, row) => {
    const y = base + row * rowHeight
    const each = Array.from(
      { length: Math.min(count, 60) },
      (_, at) => `<line class="effect" x1="${left + at * 9}" x2="${left + at * 9}" y1="${y}" y2="${y + 16}"/>`,
    )
    return `<text x="4" y="${y + 13}">effects</text>${each.join('')}<text x="${left + Math.min(count, 60) * 9 + 6}" y="${y + 13}">${count} of ${escaped(marker)}</text>`
  })
  const height = base + markers.length * rowHeight + 8
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="timeline">${bars.join('')}${ticks.join('')}</svg>`
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}
td span{white-space:nowrap;margin-right:.4rem}.PASS{color:#1a7f37}.FAIL{color:#cf222e;font-weight:600}.WEAK,.INCONCLUSIVE{color:#9a6700}.NOT-TESTED{color:#656d76}
svg{width:100%;background:#f6f8fa;border-radius:6px}svg text{font:12px ui-monospace,monospace;fill:#1b1f24}
rect.ok{fill:#4ac26b}rect.fail{fill:#d4a72c}rect.unknown{fill:#afb8c1}rect.telling{stroke:#cf222e;stroke-width:2}line.effect{stroke:#cf222e;stroke-width:4}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}svg{background:#161b22}svg text{fill:#e6edf3}td,th{border-color:#30363d}}`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
