/** Which checks lack what a verdict needs, because the time was up or the run was stopped, and what would conclude them. */
import type { Check } from '../checks/check.ts'
import type { CutRecord, DownRecord, HistoryRecord, RunRecord } from '../history/records.ts'

/** Of a check and an operation: why not all of it was tried; undefined where it was. */
export type CutShort = (ref: string, check: Pick<Check, 'stimuli' | 'needs'>) => string | undefined

export function cutShort(records: readonly HistoryRecord[], run: RunRecord): CutShort {
  const done = new Set(records.flatMap((one) => (one.type === 'done' ? [`${one.ref} ${one.stimulus}`] : [])))
  const cuts = new Map(
    records.flatMap((one) => (one.type === 'cut' ? [[`${one.ref} ${one.stimulus}`, one] as const] : [])),
  )
  const down = records.find((one) => one.type === 'down')
  return (ref, { stimuli, needs = stimuli }) => {
    const lacking = run.planned?.[ref]?.filter((id) => needs.includes(id) && !done.has(`${ref} ${id}`)) ?? []
    if (lacking.length === 0) return undefined
    if (down !== undefined) return downWords(down)
    const cut = lacking.map((id) => cuts.get(`${ref} ${id}`)).find((one) => one !== undefined)
    return cut === undefined ? 'the run was stopped before all of it was tried: run it again' : words(cut, run)
  }
}

/** What became of the service, and when. */
export function downWords({ during, waitedMs }: DownRecord): string {
  const what = during.map(({ ref, stimulus }) => `${stimulus} of ${ref}`).join(' or ')
  return `the service stopped during ${what}: nobody listened there any more, and nobody did ${waitedMs / 1000} s later`
}

function words({ by, limitMs, latencyMs }: CutRecord, { profile }: RunRecord): string {
  const longer = profile === 'quick' ? 'default' : 'deep'
  const limit = `the ${limitMs / 1000} s that \`${profile}\` gives ${by === 'operation' ? 'an operation' : 'a service'} were over`
  const fix = by === 'operation' ? '' : 'fewer at a time with --operation, or '
  const pace = latencyMs === undefined ? '' : ` (a plain call takes ${Math.round(latencyMs)} ms)`
  return `${limit} before all of it was tried${pace}: ${fix}--profile ${longer}`
}
