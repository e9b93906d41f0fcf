/** What a verdict rests on: without the stimulus, without the effect's count, without a baseline there is no PASS. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHistory } from '../src/history/history.ts'
import type { EndRecord, HistoryRecord } from '../src/history/records.ts'
import { judge } from '../src/judge/judge.ts'
import type { CheckVerdict, VerifyReport } from '../src/judge/verdict.ts'
import type { OperationFacts } from '../src/plan/operation-facts.ts'
import type { ServicePlan } from '../src/plan/plan.ts'
import { attack, type Attacked, attackOrders, planOf } from './attack-server.ts'
import { OrderServer } from './servers/order-server.ts'

let good: Attacked
beforeAll(async () => {
  good = await attackOrders(undefined, { only: ['placeOrder'] })
})

function verdict(report: VerifyReport, check: string): CheckVerdict | undefined {
  return report.results.flatMap(({ checks }) => checks).find((one) => one.check === check)
}

/** The same history with some records changed. */
function changed(change: (record: HistoryRecord) => HistoryRecord | undefined): VerifyReport {
  return judge(good.records.map(change).filter((record) => record !== undefined))
}

const trialsOf = (stimulus: string): Set<string> =>
  new Set(
    good.records.flatMap((record) => (record.type === 'trial' && record.stimulus === stimulus ? [record.trial] : [])),
  )

const requestsOf = (stimulus: string): Set<string> => {
  const trials = trialsOf(stimulus)
  return new Set(
    good.records.flatMap((record) => (record.type === 'invoke' && trials.has(record.trial) ? [record.id] : [])),
  )
}

const isEnd = (record: HistoryRecord): record is EndRecord => ['ok', 'fail', 'unknown'].includes(record.type)

describe('the judge', () => {
  test('a correct server: every check that could be made is PASS', () => {
    const verdicts = good.report.results.flatMap(({ checks }) => checks)
    expect(verdicts.length).toBeGreaterThan(15)
    expect(verdicts.filter((one) => one.verdict !== 'PASS')).toEqual([])
  })

  test('a written history gives the same verdicts again', () => {
    const text = good.records.map((record) => JSON.stringify(record)).join('\n')
    expect(judge(parseHistory(text))).toEqual(good.report)
  })

  test('a last line that was cut off is left out; what is no history says so, and where', () => {
    const lines = good.records.map((record) => JSON.stringify(record))
    const cut = lines.join('\n').slice(0, -10)
    expect(parseHistory(cut)).toEqual(good.records.slice(0, -1))
    const [run = ''] = lines
    expect(() => parseHistory(`${run}\n{"type":\n${run}`)).toThrow('line 2 is no JSON')
    expect(() => parseHistory(`${run}\nnull\n`)).toThrow('line 2 is no record')
    expect(() => parseHistory('{"type":"run","version":2}')).toThrow('does not say what was attacked')
    expect(() => parseHistory('{')).toThrow('line 1 is no JSON')
  })

  test('two effects of one key are FAIL, with the trial and its requests', () => {
    const trials = trialsOf('sequence')
    const report = changed((record) =>
      record.type === 'effects' && trials.has(record.trial) && record.settled ? { ...record, count: 2 } : record,
    )
    const found = verdict(report, 'sequential')
    expect(found?.verdict).toBe('FAIL')
    expect(found?.counterexamples[0]?.what).toBe('2 effects where there should be 1')
    expect(found?.counterexamples[0]?.requests).toHaveLength(3)
  })

  test('no effect of a request that succeeded is FAIL: it is lost', () => {
    const trials = trialsOf('client-abort')
    const report = changed((record) =>
      record.type === 'effects' && trials.has(record.trial) ? { ...record, count: 0 } : record,
    )
    const found = verdict(report, 'client-abort')
    expect(found?.verdict).toBe('FAIL')
    expect(found?.counterexamples[0]?.what).toContain('it is lost')
    // One that was answered before the client went, as on a slow machine, shows nothing.
    const requests = requestsOf('client-abort')
    const gone = good.records.filter(
      (record) => isEnd(record) && requests.has(record.id) && record.status === undefined,
    )
    expect(found?.counterexamples).toHaveLength(gone.length)
    expect(gone.length).toBeGreaterThan(1)
  })

  test('copies that did not overlap prove nothing', () => {
    const requests = requestsOf('burst')
    let later = 0
    // As if each had been sent long after the last one was answered.
    const report = changed((record) =>
      isEnd(record) && requests.has(record.id)
        ? { ...record, sentAt: (later += 1e6), firstByteAt: later + 5, lastByteAt: later + 6 }
        : record,
    )
    const found = verdict(report, 'simultaneous')
    expect(found?.verdict).toBe('INCONCLUSIVE')
    expect(found?.notes).toEqual(['they did not overlap: one was answered before another was sent'])
  })

  test('a late copy that came too late proves nothing', () => {
    const requests = new Set([...requestsOf('late'), ...requestsOf('stalled-overlap')])
    const copies = new Set(
      good.records.flatMap((record) =>
        record.type === 'invoke' && record.role === 'copy' && requests.has(record.id) ? [record.id] : [],
      ),
    )
    const report = changed((record) => (isEnd(record) && copies.has(record.id) ? { ...record, sentAt: 1e9 } : record))
    expect(verdict(report, 'late-overlap')?.verdict).toBe('INCONCLUSIVE')
  })

  test.each(['transient-failure', 'timeout'])('a broken dependency that nobody met proves nothing: %s', (check) => {
    const report = changed((record) => (record.type === 'fault' ? { ...record, hits: 0 } : record))
    expect(verdict(report, check)?.verdict).not.toBe('PASS')
  })

  test('a failure that did not happen proves nothing: the first request had succeeded', () => {
    const requests = requestsOf('transient-failure')
    const firsts = new Set(
      good.records.flatMap((record) =>
        record.type === 'invoke' && record.role === 'first' && requests.has(record.id) ? [record.id] : [],
      ),
    )
    const report = changed((record) =>
      isEnd(record) && firsts.has(record.id) ? { ...record, type: 'ok', status: 201 } : record,
    )
    expect(verdict(report, 'transient-failure')).toMatchObject({
      verdict: 'INCONCLUSIVE',
      notes: ['the request succeeded without the dependency'],
    })
  })

  test('effects that were not counted, or counted too early, are no PASS', () => {
    const uncounted = changed((record) =>
      record.type === 'effects' && record.settled
        ? ({ ...record, count: undefined, why: 'the probe was answered 500' } as unknown as HistoryRecord)
        : record,
    )
    const early = changed((record) => (record.type === 'effects' ? { ...record, settled: false } : record))
    for (const report of [uncounted, early]) {
      const counted = ['sequential', 'simultaneous', 'late-overlap', 'mismatch', 'client-abort', 'kept'].map(
        (check) => verdict(report, check)?.verdict,
      )
      expect(counted).toEqual(counted.map(() => 'INCONCLUSIVE'))
    }
  })

  test('an answer that is late is FAIL of its timeout, but not where this machine was late itself', () => {
    const requests = requestsOf('sequence')
    const late = (record: HistoryRecord): HistoryRecord =>
      isEnd(record) && requests.has(record.id) ? { ...record, lastByteAt: record.sentAt! + 9000 } : record
    const records = good.records.filter(({ type }) => type !== 'lag').map(late)
    expect(verdict(judge(records), 'timeout')?.verdict).toBe('FAIL')
    const starts = good.records.flatMap((record) => (isEnd(record) && requests.has(record.id) ? [record.sentAt!] : []))
    const lags = starts.map((at): HistoryRecord => ({ type: 'lag', at: at + 4000, ms: 3000 }))
    expect(verdict(judge([...records, ...lags]), 'timeout')?.verdict).not.toBe('FAIL')
  })

  test.each([
    ['shows two effects of one call', (count: number) => count * 2, 'it must show 1'],
    ['shows none', () => 0, 'it must show 1'],
  ])('a probe that %s makes everything INCONCLUSIVE, never FAIL', (_, distort, why) => {
    const report = changed((record) =>
      record.type === 'effects' && record.count !== undefined ? { ...record, count: distort(record.count) } : record,
    )
    const verdicts = report.results.flatMap(({ checks }) => checks)
    expect(new Set(verdicts.map((one) => one.verdict))).toEqual(new Set(['INCONCLUSIVE']))
    expect(verdicts[0]?.notes[0]).toContain(why)
  })

  test('a run that was cut off is judged as far as it went, without FAIL and without PASS of effects', () => {
    for (const share of [0.05, 0.3, 0.6]) {
      const report = judge(good.records.slice(0, Math.ceil(good.records.length * share)))
      const verdicts = report.results.flatMap(({ checks }) => checks)
      expect(verdicts.filter((one) => one.verdict === 'FAIL')).toEqual([])
      expect(verdict(report, 'simultaneous')?.verdict ?? 'INCONCLUSIVE').toBe('INCONCLUSIVE')
    }
  })
})

describe('what is given decides what can be told', () => {
  const without = (plan: ServicePlan, change: (operation: OperationFacts) => OperationFacts): ServicePlan => ({
    ...plan,
    operations: plan.operations.map(change),
  })

  test('no probe: WEAK at best, and FAIL still where two answers name two things', async () => {
    const weak = without(await planOf(undefined, ['placeOrder']), (operation) => ({
      ...operation,
      probe: { ...operation.probe, oracle: { weak: 'there is no `read`' } },
    }))
    for (const [bug, expected] of [
      [undefined, 'WEAK'],
      ['key-ignored', 'FAIL'],
    ] as const) {
      const server = await OrderServer.start({ bug })
      try {
        const { report } = await attack({ plan: weak, instances: [server.url] })
        expect(verdict(report, 'sequential')?.verdict).toBe(expected)
        expect(report.results.find(({ member }) => member === 'idempotency')?.verdict).toBe(expected)
      } finally {
        await server.close()
      }
    }
  })

  test('nobody there, or every call refused: INCONCLUSIVE with the reason, and nothing further is sent', async () => {
    const plan = await planOf(undefined, ['placeOrder'])
    const gone = await attack({ plan, instances: ['http://127.0.0.1:1'] })
    expect(gone.report.results[0]?.checks[0]?.notes[0]).toContain('nobody listens there')
    let asked = 0
    const server = createServer((_request, response) => {
      asked++
      response.writeHead(503).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const refused = await attack({ plan, instances: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] })
      expect(new Set(refused.report.results.map((result) => result.verdict))).toEqual(new Set(['INCONCLUSIVE']))
      expect(asked).toBeLessThan(10)
    } finally {
      server.close()
    }
  })

  test('one instance, one caller, no dependency: what they would show is NOT tested, and says what is missing', async () => {
    const server = await OrderServer.start()
    try {
      const { report } = await attack({
        plan: await planOf(undefined, ['placeOrder']),
        instances: [server.url],
        callers: [[['X-Api-Key', 'ann']]],
      })
      const missing = Object.fromEntries(
        report.results.flatMap(({ untested }) => untested).map(({ check, why }) => [check, why]),
      )
      expect(missing).toMatchObject({
        instances: expect.stringContaining('--url'),
        'other-caller': expect.stringContaining('--caller'),
        'transient-failure': expect.stringContaining('--dependency'),
        timeout: expect.stringContaining('--dependency'),
        'other-operation': expect.stringContaining('second operation'),
      })
      for (const check of ['instances', 'other-caller', 'transient-failure', 'timeout'])
        expect(verdict(report, check)).toBeUndefined()
      expect(report.results.find(({ member }) => member === 'timeout')?.verdict).toBe('NOT TESTED')
    } finally {
      await server.close()
    }
  })
})

test('a seed places late copies where they were placed before', async () => {
  const places = async (seed: number): Promise<unknown[]> => {
    const { records } = await attackOrders(undefined, { only: ['writeNote'], card: false, seed })
    const shares = records.flatMap((one) =>
      one.type === 'trial' && one.stimulus === 'late' ? [one.facts?.['share']] : [],
    )
    // A copy that came too late is sent again at the same place.
    return [...new Set(shares)]
  }
  const [first, again, other] = [await places(7), await places(7), await places(8)]
  expect(first.length).toBeGreaterThan(2)
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
})
