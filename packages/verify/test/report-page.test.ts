/** The page and the scripts: of bounded size, without a foreign resource, and nothing a service says becomes markup or a command. */
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import type { HistoryRecord, RunRecord } from '../src/history/records.ts'
import { judge } from '../src/judge/judge.ts'
import type { CheckVerdict } from '../src/judge/verdict.ts'
import { curlScript } from '../src/report/curl-script.ts'
import { htmlReport } from '../src/report/html.ts'
import { said } from '../src/report/said.ts'
import { storyOf, timeline } from '../src/report/timeline.ts'
import { type Attacked, attackOrders } from './attack-server.ts'

let broken: Attacked
beforeAll(async () => {
  broken = await attackOrders('check-then-act', { only: ['placeOrder'], card: false })
})

/** As an evil service would answer. */
const evil = `"'</title><script>alert(1)</script>\u0000\u001b[2J\ntouch /tmp/x #`
const poisoned = (): HistoryRecord[] =>
  broken.records.map((record) =>
    record.type === 'ok' ? { ...record, body: `{"id":${JSON.stringify(evil)}}`, headers: { location: evil } } : record,
  )

/** A kill, a message and its copy: what the history of a run with messages has of one trial. */
const at = (ms: number) => ({ trial: 't1', at: ms })
const message = {
  type: 'message',
  ref: 'a.b',
  channel: 'orders',
  id: '0123-4567',
  source: '/s',
  marker: 'v1-m1',
  attributes: {},
  data: '{"m":"v1-m1"}',
} as const
const effects = { type: 'effects', ref: 'a.b', marker: 'v1-m1', settled: false } as const
const seen = { type: 'seen', channel: 'booked', partition: 0, offset: 1, attributes: { id: 'x' } } as const
const killed: HistoryRecord[] = [
  { ...message, ...at(0), role: 'first' },
  { ...effects, ...at(20), count: 1 },
  { type: 'process', ...at(50), what: 'killed', confirmed: true },
  { type: 'process', ...at(300), what: 'ready' },
  { ...message, ...at(310), role: 'copy' },
  { ...seen, at: 320, data: '{"m":"v1-m1"}' },
  { ...seen, at: 330, data: '{"m":"v1-m12"}' },
  { ...effects, ...at(900), count: 2, settled: true },
]

describe('the page', () => {
  test('a service cannot put markup into it, nor anything that is fetched or run', () => {
    const records = poisoned()
    const page = htmlReport(judge(records), records)
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toMatch(/<(script|link|img|iframe|object)\b|\s(src|href|on\w+)\s*=\s*["']?\w/i)
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/)
  })

  test('answers of megabytes and thousands of guarantees leave it small', () => {
    const large = 'x'.repeat(2_000_000)
    const records = broken.records.map((record): HistoryRecord =>
      record.type === 'ok' ? { ...record, body: large } : record,
    )
    const report = judge(records)
    const many = { ...report, results: Array.from({ length: 5000 }, () => report.results[0]!) }
    expect(htmlReport(many, records).length).toBeLessThan(6_000_000)
    expect(htmlReport(many, records)).toContain('4000 more guarantees are in the report of --json.')
  })

  test('messages: deliveries as bars, effects and sent messages as ticks, the death as a band', () => {
    const drawn = timeline(storyOf(killed, 't1'), new Set(['0123-4567']))
    expect(drawn.match(/<rect class="ok telling"/g)).toHaveLength(1)
    expect(drawn.match(/<rect class="copy telling"/g)).toHaveLength(1)
    expect(drawn.match(/<rect class="down"/g)).toHaveLength(1)
    expect(drawn.match(/<line class="effect"/g)).toHaveLength(2)
    // A marker that begins like this one is another.
    expect(drawn.match(/<line class="sent"/g)).toHaveLength(1)
    expect(drawn).toContain('effect after 20 ms')
    expect(drawn).toContain('2 in the end')
    expect(drawn).not.toMatch(/NaN|Infinity/)
  })

  test('a trial of a thousand messages is drawn in forty rows, those that tell first', () => {
    const records = Array.from({ length: 1000 }, (_, n): HistoryRecord => ({
      ...message,
      ...at(n),
      role: 'first',
      id: `id-${n}`,
      marker: `v1-m${n}`,
    }))
    const drawn = timeline(storyOf(records, 't1'), new Set(['id-999']))
    expect(drawn).toContain('id-999')
    expect(drawn).toContain('960 more rows are in the history.')
  })
})

test('what was done is said once, where what was seen begins with it', () => {
  expect(said({ about: '`note`: 5', what: '`note`: 5 was answered 201' })).toBe('`note`: 5 was answered 201')
  expect(said({ about: '4 copies', what: '2 effects' })).toBe('4 copies: 2 effects')
})

describe('a script', () => {
  const failed = (records: readonly HistoryRecord[]): CheckVerdict =>
    judge(records)
      .results.flatMap(({ checks }) => checks)
      .find(({ verdict }) => verdict === 'FAIL')!

  test('is a script, and what a service said stays in its comments', () => {
    const records = poisoned()
    const check = failed(records)
    const script = curlScript(records, check, { ...check.counterexamples[0]!, what: `it said ${evil}` })!
    execFileSync('bash', ['-n'], { input: script })
    expect(script.split('\n').filter((line) => line.startsWith('touch'))).toEqual([])
    expect(script).toContain('touch /tmp/x')
  })

  const check = { ref: 'a.b', finding: 'a.b/message-twice', promise: 'once' } as CheckVerdict
  const example = { trial: 't1', about: 'twice', what: '2 effects', requests: [] }
  const withRun = (messages: object): HistoryRecord[] => [
    { type: 'run', version: 2, run: 'v1', operations: [], messages } as unknown as HistoryRecord,
    { type: 'trial', trial: 't1', stimulus: 'message-copy', ref: 'a.b', about: 'twice', at: 0 },
    ...killed.map((record) =>
      record.type === 'message'
        ? {
            ...record,
            attributes: {
              specversion: '1.0',
              id: record.id,
              source: '/s',
              type: 'orderPaid',
              datacontenttype: 'application/json',
            },
          }
        : record,
    ),
  ]

  test('what came one after the other does so again, however slowly a curl starts; what overlapped overlaps', () => {
    const { operations, ...run } = broken.records[0] as RunRecord
    const operation = operations.find(({ ref }) => ref.endsWith('placeOrder'))!
    const request = (id: string, sentAt: number, doneAt: number): HistoryRecord[] => [
      {
        type: 'invoke',
        id,
        trial: 't1',
        role: 'copy',
        at: sentAt,
        instance: 'http://h',
        method: 'POST',
        url: 'http://h/[a]',
        headers: [],
        body: '@file',
        marker: 'v1',
      } as unknown as HistoryRecord,
      { type: 'ok', id, at: doneAt, sentAt, lastByteAt: doneAt, status: 201 } as unknown as HistoryRecord,
    ]
    const records: HistoryRecord[] = [
      { ...run, operations: [operation] } as HistoryRecord,
      { type: 'trial', trial: 't1', stimulus: 'sequence', ref: operation.ref, about: 'twice', at: 0 },
      ...request('r1', 10, 30),
      ...request('r2', 20, 40),
      ...request('r3', 45, 60),
    ]
    const script = curlScript(records, { ...check, ref: operation.ref }, example)!
    execFileSync('bash', ['-n'], { input: script })
    const steps = script.split('\n').flatMap((line) => /^(wait|\( sleep \d\.\d+)/.exec(line)?.[0] ?? [])
    expect(steps).toEqual(['( sleep 0.000', '( sleep 0.010', 'wait', '( sleep 0.005', 'wait'])
    // Neither a file nor a pattern, as curl would take them.
    expect(script).toContain("-g -X POST 'http://h/[a]'")
    expect(script).toContain("--data-raw '@file'")
  })

  test('of messages that were pushed: with curl, both with one id', () => {
    const script = curlScript(
      withRun({ push: { url: 'http://127.0.0.1:7005/events', mode: 'binary' } }),
      check,
      example,
    )!
    execFileSync('bash', ['-n'], { input: script })
    expect(
      script.match(/^\( sleep 0\.\d+; curl .+'http:\/\/127\.0\.0\.1:7005\/events' .+-H 'ce-id: [^']*/gm),
    ).toHaveLength(2)
    expect(script).toContain('the service was killed 0.050 s after the first message')
  })

  test('of a stream: it says why there is no curl, and how to see it again', () => {
    const script = curlScript(withRun({}), check, example)!
    execFileSync('bash', ['-n'], { input: script })
    expect(script).toContain('no line of SQL and no curl does it')
    expect(script).toContain("exec spandrel verify --repeat 'a.b/message-twice'")
  })
})
