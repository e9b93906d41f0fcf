/** Keys that are planted in one run and sent again in another, when their retention ends; and the file they stand in. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dueNow, Ledger, type Planted, window } from '../src/ledger/ledger.ts'
import { attackRetention, failures } from './attack-server.ts'

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-ledger-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
const fresh = (): string => join(folder, `${++files}.jsonl`)

const hour = 3_600_000
const entry = (id: string, send: Planted['send'] = 'before'): Planted => ({
  type: 'planted',
  id,
  ref: 'orders.placeOrder',
  key: id,
  marker: 'm1',
  at: '2026-01-01T00:00:00.000Z',
  retentionMs: 24 * hour,
  send,
  request: { method: 'POST', path: '/orders', headers: [], body: '{}' },
  caller: 'x',
  answer: { status: 201, headers: {}, body: '{}' },
})

test('a correct server: known until its retention ends, a new one after it', async () => {
  const [planting, before, after] = await attackRetention(undefined)
  expect([planting, before, after].flatMap((report) => failures(report!))).toEqual([])
  const verdicts = (report: typeof before, check: string) =>
    report!.results.flatMap(({ checks }) => checks).filter((one) => one.check === check)
  expect(planting!.results.flatMap(({ untested }) => untested)).toContainEqual({
    ref: 'orders.placeOrder',
    check: 'until-retention',
    why: 'its keys were planted, and are not due yet: --ledger FILE --due',
  })
  expect(verdicts(before, 'until-retention')).toMatchObject([{ verdict: 'PASS', confirmed: 1, trials: 1 }])
  expect(verdicts(before, 'after-retention')).toEqual([])
  expect(verdicts(after, 'after-retention')).toMatchObject([{ verdict: 'PASS', confirmed: 1, trials: 1 }])
})

describe('when a key is due', () => {
  const start = Date.parse('2026-01-01T00:00:00.000Z')

  test('in the last tenth of its retention, or from a minute after it', () => {
    expect(window(entry('a'))).toEqual({ from: start + 21.6 * hour, until: start + 24 * hour - 60_000 })
    expect(window(entry('a', 'after')).from).toBe(start + 24 * hour + 60_000)
    const both = [entry('a'), entry('b', 'after')]
    expect(dueNow(both, start + 20 * hour)).toEqual([])
    expect(dueNow(both, start + 22 * hour).map(({ id }) => id)).toEqual(['a'])
    // Between the two nothing is sure.
    expect(dueNow(both, start + 24 * hour)).toEqual([])
    expect(dueNow(both, start + 25 * hour).map(({ id, send }) => [id, send])).toEqual([
      ['a', 'after'],
      ['b', 'after'],
    ])
  })
})

describe('the file', () => {
  test('two runs at once lose nothing, and send each key once', async () => {
    const file = fresh()
    const runs = ['v1', 'v2'].map((run) => ({ run, ledger: Ledger.open(file, 'orders') }))
    for (let at = 0; at < 50; at++) for (const { run, ledger } of runs) ledger.plant(entry(`${run}-k${at}`))
    const [first, second] = runs.map(({ ledger }) => ledger)
    expect(first!.open()).toHaveLength(100)
    const got = first!.open().map(({ id }) => [first!.claim(id, 'v1'), second!.claim(id, 'v2')])
    expect(got).toEqual(Array.from({ length: 100 }, () => [true, false]))
    expect(second!.open()).toEqual([])
  })

  test('a line that a crash cut off swallows no other, and is named', async () => {
    const file = fresh()
    const ledger = Ledger.open(file, 'orders')
    ledger.plant(entry('v1-k1'))
    await appendFile(file, '{"type":"planted","id":"v1-')
    expect(() => ledger.open()).toThrow(`line 3 of the ledger ${file} is cut off`)
    ledger.plant(entry('v1-k2'))
    const text = await readFile(file, 'utf8')
    expect(() => Ledger.open(file, 'orders')).toThrow(`line 3 of the ledger ${file} is no JSON`)
    expect(await readFile(file, 'utf8')).toBe(text)
    await writeFile(file, text.replace('{"type":"planted","id":"v1-\n', ''))
    expect(Ledger.open(file, 'orders').open()).toHaveLength(2)
  })

  test.each([
    ['', 'the file is empty'],
    ['{"type":"run","version":1}\n', 'line 1'],
    ['{"type":"ledger","version":2,"service":"orders"}\n', 'has version 2, and 1 is known here'],
    ['{"type":"ledger","version":1,"service":"refunds"}\n', 'is the ledger of refunds, not of orders'],
    ['{"type":"ledger","version":1,"service":"orders"}\n{"type":"planted","id":1}\n', 'line 2'],
  ])('%j is refused, and left as it is', async (text, what) => {
    const file = fresh()
    await writeFile(file, text)
    expect(() => Ledger.open(file, 'orders')).toThrow(what)
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('a folder that is not there', () => {
    expect(() => Ledger.open(join(folder, 'none', 'x.jsonl'), 'orders')).toThrow('cannot be written')
  })
})
