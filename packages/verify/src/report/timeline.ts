/**
 * What happened in a trial, drawn: requests as bars, deliveries as bars until their effect was seen, effects and sent
 * messages as ticks, deaths of the service and broken dependencies as bands. Of fixed size, however much happened.
 */
import type { DeadRecord, MessageRecord, OutcomeRecord, SeenRecord } from '../history/message-records.ts'
import type { EffectsRecord, EndRecord, FaultRecord, HistoryRecord, InvokeRecord } from '../history/records.ts'
import type { ProcessRecord } from '../history/message-records.ts'
import { names } from '../history/seen-messages.ts'

/** What the history has of one trial, in its order. */
export interface TrialStory {
  readonly requests: readonly { readonly invoke: InvokeRecord; readonly end?: EndRecord }[]
  readonly messages: readonly MessageRecord[]
  readonly effects: readonly EffectsRecord[]
  readonly seen: readonly SeenRecord[]
  readonly dead: readonly DeadRecord[]
  readonly outcomes: readonly OutcomeRecord[]
  readonly processes: readonly ProcessRecord[]
  readonly faults: readonly FaultRecord[]
}

export function storyOf(records: readonly HistoryRecord[], trial: string): TrialStory {
  const ends = new Map<string, EndRecord>()
  const mine: HistoryRecord[] = []
  for (const record of records) {
    if (record.type === 'ok' || record.type === 'fail' || record.type === 'unknown') ends.set(record.id, record)
    else if ('trial' in record && record.trial === trial) mine.push(record)
  }
  const of = <T extends HistoryRecord['type']>(type: T) =>
    mine.filter((record): record is Extract<HistoryRecord, { type: T }> => record.type === type)
  const requests = of('invoke').map((invoke) => {
    const end = ends.get(invoke.id)
    return { invoke, ...(end !== undefined && { end }) }
  })
  const messages = of('message')
  const markers = [
    ...new Set([...requests.map(({ invoke }) => invoke.marker), ...messages.map(({ marker }) => marker)]),
  ]
  const seen = records.filter(
    (record): record is SeenRecord =>
      record.type === 'seen' &&
      markers.some((marker) => names(record.data, marker) || record.attributes['correlationid'] === marker),
  )
  return {
    requests,
    messages,
    effects: of('effects').filter(({ marker }) => !marker.endsWith(':before')),
    seen,
    dead: of('dead'),
    outcomes: of('outcome'),
    processes: of('process'),
    faults: of('fault'),
  }
}

const [width, left, right, rowHeight, most] = [860, 190, 150, 26, 40]

interface Row {
  readonly label: string
  readonly telling: boolean
  readonly draw: (y: number) => string
}

/** `telling`: ids of the requests and messages that show the fault. */
export function timeline(story: TrialStory, telling: ReadonlySet<string>): string {
  const acts = [
    ...story.requests.flatMap(({ invoke, end }) => [end?.sentAt ?? invoke.at, end?.lastByteAt ?? end?.at ?? invoke.at]),
    ...story.messages.map(({ at }) => at),
    ...story.processes.map(({ at }) => at),
    ...story.faults.map(({ at }) => at),
    // When effects are counted once more at the end says nothing of when they came.
    ...firstEffects(story).values(),
  ]
  if (acts.length === 0) return ''
  const from = Math.min(...acts)
  const to = Math.max(...acts, from + 1)
  const scale = (width - left - right) / (to - from)
  const x = (time: number): number => left + Math.min(Math.max(time - from, 0), to - from) * scale
  const rows = [
    ...story.requests.map((one) => requestRow(one, telling, x)),
    ...story.messages.map((one) => messageRow(one, story, telling, { x, to })),
    ...effectRows(story, x),
    ...tickRows(story, x),
  ]
  const kept = [...rows.filter((row) => row.telling), ...rows.filter((row) => !row.telling)].slice(0, most)
  const shown = rows.filter((row) => kept.includes(row))
  const height = 24 + shown.length * rowHeight + 6
  const drawn = shown.map((row, at) => {
    const y = 24 + at * rowHeight
    return `<text x="4" y="${y + 13}">${cut(row.label, 26)}</text>${row.draw(y)}`
  })
  const left_ = rows.length - shown.length
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="timeline">${bands(story, { x, to, height })}${axis(from, to, height)}${drawn.join('')}</svg>${
    left_ > 0 ? `<p>${left_} more rows are in the history.</p>` : ''
  }`
}

/** When the effect of a marker was first seen. */
function firstEffects({ effects }: TrialStory): Map<string, number> {
  const found = new Map<string, number>()
  for (const { marker, count = 0, at, settled } of effects)
    if (count > 0 && !settled && !found.has(marker)) found.set(marker, at)
  return found
}

function axis(from: number, to: number, height: number): string {
  const labels = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = left + share * (width - left - right)
    return `<line class="grid" x1="${at}" x2="${at}" y1="18" y2="${height}"/><text class="axis" x="${at}" y="12">${duration((to - from) * share)}</text>`
  })
  return labels.join('')
}

function requestRow(
  { invoke, end }: TrialStory['requests'][number],
  telling: ReadonlySet<string>,
  x: (time: number) => number,
): Row {
  const [start, stop] = [end?.sentAt ?? invoke.at, end?.lastByteAt ?? end?.at ?? invoke.at]
  const title = `${invoke.method} ${invoke.url}\nkey ${invoke.key ?? 'none'}\n${end?.status ?? end?.why ?? ''} ${end?.body ?? ''}`
  const tells = telling.has(invoke.id)
  return {
    label: `${invoke.role} ${invoke.id}`,
    telling: tells,
    draw: (y) =>
      bar(end?.type ?? 'unknown', tells, [x(start), x(stop)], y, title) +
      text(x(stop) + 5, y, `${end?.status ?? 'no answer'}, ${duration(stop - start)}`),
  }
}

/** From the moment it was given to its road to that when its effect was first seen. */
function messageRow(
  { id, role, marker, at, channel, data, attributes }: MessageRecord,
  story: TrialStory,
  telling: ReadonlySet<string>,
  { x, to }: { x: (time: number) => number; to: number },
): Row {
  const seen = firstEffects(story).get(marker)
  const inTheEnd = (story.effects.findLast((one) => one.marker === marker)?.count ?? 0) > 0
  const tells = telling.has(id)
  const [kind, until, words] =
    seen !== undefined && seen >= at
      ? (['ok', seen, `effect after ${duration(seen - at)}`] as const)
      : seen !== undefined
        ? // It is sent again when the effect is there already.
          (['copy', at, 'a copy'] as const)
        : inTheEnd
          ? (['ok', to, 'effect later'] as const)
          : (['unknown', to, 'no effect seen'] as const)
  const title = `${channel}\n${JSON.stringify(attributes)}\n${data}`
  return {
    label: `${role} ${id.slice(0, 8)}`,
    telling: tells,
    draw: (y) => bar(kind, tells, [x(at), x(until)], y, title) + text(x(until) + 5, y, words),
  }
}

/** One row a marker: how many effects were counted, at each time the number was another. */
function effectRows({ effects }: TrialStory, x: (time: number) => number): Row[] {
  const markers = Map.groupBy(
    effects.filter(({ count }) => count !== undefined),
    ({ marker }) => marker,
  )
  // Of many, those that are as they should be are told by their bars.
  const few = markers.size <= 4
  const told = [...markers].filter(([, readings]) => few || readings.at(-1)!.count !== 1)
  return told.map(([marker, readings]): Row => {
    const last = readings.at(-1)!.count!
    let before = 0
    const ticks = readings.flatMap(({ at, count = 0, settled }) => {
      const more = Math.min(Math.max(count - before, 0), 30)
      before = Math.max(before, count)
      // What was counted when all was over stands behind everything else.
      const place = settled ? width - right + 8 : x(at)
      return Array.from({ length: more }, (_, index) => place + index * 7)
    })
    return {
      label: `effects of ${marker.slice(-8)}`,
      telling: last !== 1,
      draw: (y) =>
        ticks.map((at) => tick('effect', at, y)).join('') +
        text(Math.max(width - right + 8, (ticks.at(-1) ?? 0) + 8), y, `${last === 0 ? 'none' : last} in the end`),
    }
  })
}

/** What was seen of the service: messages that it sent, dead letters, outcomes. */
function tickRows({ seen, dead, outcomes }: TrialStory, x: (time: number) => number): Row[] {
  const row = (label: string, kind: string, marks: readonly { at: number; title: string }[]): Row[] =>
    marks.length === 0
      ? []
      : [
          {
            label,
            telling: false,
            draw: (y) =>
              marks
                .slice(0, 60)
                .map(({ at, title }) => tick(kind, x(at), y, title))
                .join('') + text(width - right + 8, y, `${marks.length}`),
          },
        ]
  const channels = Map.groupBy(seen, ({ channel }) => channel)
  return [
    ...[...channels].flatMap(([channel, list]) =>
      row(
        `sent on ${channel}`,
        'sent',
        list.map(({ at, attributes, data }) => ({ at, title: `${attributes['id']}\n${data}` })),
      ),
    ),
    ...row(
      'dead letters',
      'dead',
      dead.map(({ at, reason, id }) => ({ at, title: `${id}: ${reason ?? 'no reason'}` })),
    ),
    ...row(
      'outcomes',
      'sent',
      outcomes.flatMap(({ at, outcome }) => (outcome === undefined ? [] : [{ at, title: outcome }])),
    ),
  ]
}

/** While the service was dead, or a dependency broken. */
function bands(
  { processes, faults }: TrialStory,
  { x, to, height }: { x: (time: number) => number; to: number; height: number },
): string {
  const between = (kind: string, from: number, until: number, title: string): string =>
    `<rect class="${kind}" x="${x(from).toFixed(1)}" y="18" width="${Math.max(2, x(until) - x(from)).toFixed(1)}" height="${height - 18}"><title>${escaped(title)}</title></rect>`
  const deaths = processes.flatMap(({ what, at }, index) => {
    if (what !== 'killed') return []
    const back = processes.slice(index).find((one) => one.what === 'ready')?.at
    return [between('down', at, back ?? to, 'the service was killed, and was ready again')]
  })
  const breaks = faults.flatMap(({ what, at, dependency }, index) => {
    if (what === 'heal') return []
    const healed = faults.slice(index).find((one) => one.what === 'heal' && one.dependency === dependency)?.at
    return [between('broken', at, healed ?? to, `${dependency}: ${what}`)]
  })
  return [...deaths, ...breaks].join('')
}

function bar(
  kind: string,
  telling: boolean,
  [start, stop]: readonly [number, number],
  y: number,
  title: string,
): string {
  return `<rect class="${kind}${telling ? ' telling' : ''}" x="${start.toFixed(1)}" y="${y}" width="${Math.max(3, stop - start).toFixed(1)}" height="16"><title>${cut(title, 600)}</title></rect>`
}

function tick(kind: string, at: number, y: number, title = ''): string {
  return `<line class="${kind}" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${y}" y2="${y + 16}">${title === '' ? '' : `<title>${cut(title, 600)}</title>`}</line>`
}

function text(x: number, y: number, words: string): string {
  return `<text x="${x.toFixed(1)}" y="${y + 13}">${escaped(words)}</text>`
}

function duration(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Escaped, and of bounded length: an answer may be megabytes. */
export function cut(words: string, length: number): string {
  return escaped(words.length > length ? `${words.slice(0, length)}…` : words)
}

/** For text and for attributes in double quotes. What HTML cannot carry at all is shown as a dot. */
export function escaped(words: string): string {
  return (
    words
      // oxlint-disable-next-line no-control-regex -- they are what is replaced
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '·')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  )
}
