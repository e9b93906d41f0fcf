/** What a verdict on messages rests on: without the kill, the copy that was taken in, the dead letter, there is no PASS. */
import { beforeAll, expect, inject, test } from 'vitest'
import type { MessageHistoryRecord } from '../src/history/message-records.ts'
import type { HistoryRecord } from '../src/history/records.ts'
import { judge } from '../src/judge/judge.ts'
import type { Attacked } from './attack-server.ts'
import { attackParcels } from './parcels/attack-parcels.ts'

let good: Attacked
beforeAll(async () => {
  good = await attackParcels(inject('postgres'), { only: ['bookParcel'] })
}, 120_000)

/** Verdicts by check, of the same history with some records changed or left out. */
function verdicts(change: (record: HistoryRecord) => HistoryRecord | undefined = (record) => record) {
  const { results } = judge(good.records.map(change).filter((record) => record !== undefined))
  return Object.fromEntries(results.flatMap(({ checks }) => checks.map(({ check, verdict }) => [check, verdict])))
}

const changed =
  <T extends MessageHistoryRecord['type']>(
    type: T,
    change: (record: Extract<HistoryRecord, { type: T }>) => HistoryRecord | undefined,
  ) =>
  (record: HistoryRecord): HistoryRecord | undefined =>
    record.type === type ? change(record as Extract<HistoryRecord, { type: T }>) : record

test('as it was, all is PASS', () => {
  const all = verdicts()
  expect(Object.keys(all).length).toBeGreaterThan(12)
  expect(new Set(Object.values(all))).toEqual(new Set(['PASS']))
})

test('a kill that nobody saw, or that came when all was done, proves nothing', () => {
  const unseen = verdicts(changed('process', (record) => ({ ...record, confirmed: false })))
  expect(unseen).toMatchObject({
    'message-after-restart': 'INCONCLUSIVE',
    'message-crash': 'INCONCLUSIVE',
    'order-crash': 'INCONCLUSIVE',
  })
  const late = verdicts(changed('process', (record) => ({ ...record, unfinished: 0 })))
  expect(late).toMatchObject({ 'message-crash': 'INCONCLUSIVE', 'order-crash': 'INCONCLUSIVE' })
})

test('a copy of which it is not known that it was taken in proves nothing', () => {
  const behind = new Set(
    good.records.flatMap((record) => (record.type === 'message' && record.role === 'behind' ? [record.marker] : [])),
  )
  expect(behind.size).toBeGreaterThan(0)
  const report = verdicts((record) =>
    record.type === 'effects' && behind.has(record.marker) ? { ...record, count: 0 } : record,
  )
  expect(report).toMatchObject({ 'message-twice': 'INCONCLUSIVE', 'same-intent': 'INCONCLUSIVE' })
})

test('without a dead letter there is no PASS of what it would show', () => {
  const none = verdicts(changed('dead', () => undefined))
  expect(none).toMatchObject({ 'dead-letter': 'FAIL', attempts: 'INCONCLUSIVE', 'behind-poison': 'INCONCLUSIVE' })
  const silent = verdicts(changed('dead', (record) => ({ ...record, attempts: undefined }) as unknown as HistoryRecord))
  expect(silent['attempts']).toBe('INCONCLUSIVE')
  const other = verdicts(changed('dead', (record) => ({ ...record, sameData: false })))
  expect(other['dead-letter']).toBe('FAIL')
})

test('effects that were not counted are no PASS, and no FAIL', () => {
  const {
    'ordering-key': key,
    'correlation-carried': correlation,
    'trace-carried': trace,
    ...uncounted
  } = verdicts((record) => {
    if (record.type !== 'effects' || record.marker.endsWith(':before')) return record
    return { ...record, count: undefined, why: 'the probe was answered 500' } as unknown as HistoryRecord
  })
  expect([key, correlation, trace], 'those are seen on the messages themselves').toEqual(['PASS', 'PASS', 'PASS'])
  expect(Object.keys(uncounted).length).toBeGreaterThan(10)
  expect(new Set(Object.values(uncounted))).not.toContain('PASS')
  expect(new Set(Object.values(uncounted))).not.toContain('FAIL')
})

test('a message that went is missed, and a second one is seen', () => {
  const [first] = good.records.filter((record) => record.type === 'seen' && record.channel === 'parcels.booked')
  const lost = verdicts((record) => (record === first ? undefined : record))
  expect(lost['effect-has-message']).toBe('FAIL')
  const twice = judge(
    good.records.flatMap((record) =>
      record.type === 'seen' && record.channel === 'parcels.booked'
        ? [record, { ...record, attributes: { ...record.attributes, id: `${record.attributes['id']}-2` } }]
        : [record],
    ),
  )
  const same = twice.results.flatMap(({ checks }) => checks).find(({ check }) => check === 'same-message')
  expect(same?.verdict).toBe('FAIL')
})

test('a run that was cut off is judged as far as it went, without FAIL', () => {
  for (const share of [0.2, 0.5, 0.8]) {
    const { results } = judge(good.records.slice(0, Math.ceil(good.records.length * share)))
    const failed = results.flatMap(({ checks }) => checks).filter(({ verdict }) => verdict === 'FAIL')
    expect(failed.map(({ finding, counterexamples }) => [finding, counterexamples[0]])).toEqual([])
  }
})

test('where a poison is skipped: each that came behind it has its effect, once and in order, or there is no PASS', async () => {
  const { report, records } = await attackParcels(inject('postgres'), {
    contract: 'skip-ordered',
    only: ['bookParcel'],
    check: 'past-poison',
    kill: false,
  })
  const said = (change: (record: HistoryRecord) => HistoryRecord | undefined) => {
    const changedRecords = records.map(change).filter((record) => record !== undefined)
    const all = judge(changedRecords).results.flatMap(({ checks }) => checks)
    return all.find(({ check }) => check === 'past-poison')
  }
  const behind = records.flatMap((record) => (record.type === 'message' && record.role === 'behind' ? [record] : []))
  expect(behind, 'four that wait, and one that comes when it is dead').toHaveLength(5)
  const dead = records.find((record) => record.type === 'dead')
  expect(behind.filter(({ at }) => at > dead!.at)).toHaveLength(1)
  expect(report.results.flatMap(({ checks }) => checks).find(({ check }) => check === 'past-poison')?.verdict).toBe(
    'PASS',
  )

  const counted = (count: number | undefined) =>
    said((record) =>
      record.type === 'effects' && record.marker === behind[3]!.marker
        ? ({ ...record, count, ...(count === undefined && { why: 'no answer' }) } as HistoryRecord)
        : record,
    )
  expect(counted(0)).toMatchObject({ verdict: 'FAIL', counterexamples: [{ requests: [behind[3]!.id] }] })
  expect(counted(2)?.verdict).toBe('FAIL')
  expect(counted(undefined)?.verdict).toBe('INCONCLUSIVE')
  expect(said(changed('dead', () => undefined))?.verdict, 'until it is dead they may wait').toBe('INCONCLUSIVE')
  const ordered = (markers: (all: readonly string[]) => readonly string[] | undefined) =>
    said(changed('order', (record) => ({ ...record, markers: markers(record.markers ?? []) }) as HistoryRecord))
  expect(ordered((all) => all.toReversed())?.verdict).toBe('FAIL')
  expect(ordered(() => undefined)?.verdict).toBe('INCONCLUSIVE')
  expect(ordered((all) => all.slice(1))?.verdict).toBe('INCONCLUSIVE')
})
