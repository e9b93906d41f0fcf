/**
 * What a profile gives is kept, and what was cut is no PASS: slow services, services that never answer, and services of
 * many operations. A defect that was seen before the end is still FAIL.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { HistoryRecord } from '../src/history/records.ts'
import { judge } from '../src/judge/judge.ts'
import type { CheckVerdict, VerifyReport } from '../src/judge/verdict.ts'
import { inTwoParts, type Profile, profiles } from '../src/run/profile.ts'
import { attack, planOf } from './attack-server.ts'
import type { BugName } from './servers/bugs.ts'
import { OrderServer } from './servers/order-server.ts'

const verdicts = (report: VerifyReport): CheckVerdict[] => report.results.flatMap(({ checks }) => checks)
const of = (report: VerifyReport, check: string): CheckVerdict | undefined =>
  verdicts(report).find((one) => one.check === check)

async function attackSlow(workMs: number, options: { profile: Profile; bug?: BugName; only?: readonly string[] }) {
  const { profile, bug, only = ['placeOrder'] } = options
  const server = await OrderServer.start({ workMs, bug })
  try {
    return await attack({ plan: await planOf(undefined, only), instances: [server.url], profile })
  } finally {
    await server.close()
  }
}

/** For what is being done when the time is up, and for this machine. */
const grace = 1500

describe.concurrent('quick', () => {
  test('a call takes 2 s: it ends in time, nothing that was cut is PASS, and it says what would conclude it', async () => {
    const { report, records, tookMs } = await attackSlow(2000, { profile: profiles.quick })
    expect(tookMs).toBeLessThan(profiles.quick.operationMs + grace)
    const cut = records.filter((record) => record.type === 'cut')
    expect(cut.length).toBeGreaterThan(5)
    expect(of(report, 'simultaneous')).toMatchObject({
      verdict: 'INCONCLUSIVE',
      notes: [
        expect.stringMatching(
          /^the 5 s that `quick` gives an operation were over before all of it was tried \(a plain call takes 20\d\d ms\): --profile default$/,
        ),
      ],
    })
    expect(verdicts(report).filter(({ verdict }) => verdict === 'FAIL')).toEqual([])
    expect(report.results.map(({ member, verdict }) => [member, verdict])).toContainEqual([
      'idempotency',
      'INCONCLUSIVE',
    ])
    // Judged from what was written down, it is the same again.
    expect(judge(records)).toEqual(report)
  })

  test('a call takes 1 s and copies at once all have an effect: one burst is enough to say so', async () => {
    const { report, tookMs } = await attackSlow(1000, { profile: profiles.quick, bug: 'check-then-act' })
    expect(tookMs).toBeLessThan(profiles.quick.operationMs + grace)
    expect(of(report, 'simultaneous')?.verdict).toBe('FAIL')
    expect(of(report, 'mismatch')?.verdict).not.toBe('PASS')
  })

  test('nobody ever answers: it ends in time, and says so once', async () => {
    const server: Server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { report, tookMs } = await attack({
      plan: await planOf(undefined, ['placeOrder']),
      instances: [url],
      profile: profiles.quick,
    })
    server.closeAllConnections()
    server.close()
    expect(tookMs).toBeLessThan(profiles.quick.operationMs + grace)
    expect(new Set(verdicts(report).flatMap(({ notes }) => notes)).size).toBe(1)
    expect(verdicts(report).every(({ verdict }) => verdict === 'INCONCLUSIVE')).toBe(true)
  })

  test('the time of the service is up before its last operation: that one is told, too', async () => {
    const profile = { ...profiles.quick, serviceMs: 3000 }
    const only = ['placeOrder', 'requestRefund', 'writeNote']
    const { report, records, tookMs } = await attackSlow(400, { profile, only })
    expect(tookMs).toBeLessThan(profile.serviceMs + grace)
    const last = report.results.filter(({ ref }) => ref.endsWith('writeNote'))
    expect(last.map(({ verdict }) => verdict)).not.toContain('PASS')
    expect(JSON.stringify(last)).toContain('fewer at a time with --operation, or --profile default')
    expect(records.some((record) => record.type === 'cut' && record.by === 'service')).toBe(true)
  })
})

describe('what a longer profile adds', () => {
  const profile: Profile = { ...profiles.default, bursts: 60, operationMs: 9000 }

  test('is the first to go: what a verdict needs was tried, so it is PASS, bounded by what was', async () => {
    const { report, records } = await attackSlow(200, { profile })
    const { confirmed, verdict } = of(report, 'simultaneous')!
    expect(verdict).toBe('PASS')
    expect(confirmed).toBeGreaterThanOrEqual(4)
    expect(confirmed).toBeLessThan(profile.bursts)
    expect(records.filter((record) => record.type === 'cut')).toEqual([])
  })

  test('and what is needed is a part of it', () => {
    for (const one of Object.values(profiles)) {
      const { needed, more } = inTwoParts(one)
      expect(needed.bursts + (more?.bursts ?? 0)).toBe(one.bursts)
      expect(new Set([...needed.lateShares, ...(more?.lateShares ?? [])])).toEqual(new Set(one.lateShares))
      expect(needed.rounds).toBeGreaterThan(0)
      expect(needed.lateShares).toHaveLength(3)
    }
  })
})

test('a run that was killed has no verdict on what it had not finished', async () => {
  const { records } = await attackSlow(5, { profile: { ...profiles.quick, serviceMs: 60_000, operationMs: 60_000 } })
  const without = (left: (record: HistoryRecord) => boolean) => judge(records.filter((record) => !left(record)))
  expect(
    of(
      without(() => false),
      'simultaneous',
    )?.verdict,
  ).toBe('PASS')
  const report = without((record) => record.type === 'done' && record.stimulus === 'burst')
  expect(of(report, 'simultaneous')).toMatchObject({
    verdict: 'INCONCLUSIVE',
    notes: ['the run was stopped before all of it was tried: run it again'],
  })
  expect(of(report, 'sequential')?.verdict).toBe('PASS')
})
