import { describe, expect, test } from 'vitest'
import { LowWaterMark, parseSnapshot, type Snapshot } from './low-water-mark.ts'

const snapshot = (xmax: number, ...running: number[]): Snapshot => ({
  xmax: BigInt(xmax),
  running: new Set(running.map(BigInt)),
})

test('a snapshot is read as the server writes it', () => {
  expect(parseSnapshot('10:20:10,14,19')).toEqual(snapshot(20, 10, 14, 19))
  expect(parseSnapshot('20:20:')).toEqual(snapshot(20))
})

describe('the mark', () => {
  test('moves to a batch’s highest id when nothing older than its delete runs any more', () => {
    const mark = new LowWaterMark()
    mark.sent(500n, 100n)
    mark.accepts(snapshot(102, 99), 0)
    mark.dealtWith(snapshot(102, 99), 0, undefined)
    expect(mark.mark).toBe(0n)
    mark.accepts(snapshot(105, 103), 10)
    mark.dealtWith(snapshot(105, 103), 10, undefined)
    expect(mark.mark).toBe(500n)
  })

  test('takes the highest batch it may', () => {
    const mark = new LowWaterMark()
    mark.sent(500n, 100n)
    mark.sent(900n, 200n)
    mark.sent(1300n, 300n)
    mark.accepts(snapshot(310, 250), 0)
    mark.dealtWith(snapshot(310, 250), 0, undefined)
    expect(mark.mark).toBe(900n)
  })

  test('never passes the last id of a read that filled its limit', () => {
    const mark = new LowWaterMark()
    mark.sent(900n, 100n)
    mark.accepts(snapshot(110), 0)
    mark.dealtWith(snapshot(110), 0, 700n)
    expect(mark.mark).toBe(700n)
    mark.dealtWith(snapshot(110), 0, undefined)
    expect(mark.mark).toBe(900n)
  })

  test('passes over a transaction open for more than a second, and starts again when it ends', () => {
    const mark = new LowWaterMark()
    mark.sent(500n, 100n)
    expect(mark.accepts(snapshot(110, 50), 0)).toBe(true)
    mark.dealtWith(snapshot(110, 50), 0, undefined)
    expect(mark.mark).toBe(0n)
    expect(mark.accepts(snapshot(120, 50), 1500)).toBe(true)
    mark.dealtWith(snapshot(120, 50), 1500, undefined)
    expect(mark.mark).toBe(500n)
    expect([...mark.remembered]).toEqual([50n])
    expect(mark.accepts(snapshot(130, 50), 1600)).toBe(true)
    expect(mark.accepts(snapshot(140), 1700)).toBe(false)
    expect(mark.mark).toBe(0n)
    expect(mark.accepts(snapshot(140), 1701)).toBe(true)
  })

  test('a transaction that began after the delete does not matter', () => {
    const mark = new LowWaterMark()
    mark.sent(500n, 100n)
    mark.accepts(snapshot(110, 101, 105), 0)
    mark.dealtWith(snapshot(110, 101, 105), 0, undefined)
    expect(mark.mark).toBe(500n)
    expect(mark.remembered.size).toBe(0)
    expect(mark.accepts(snapshot(120), 1)).toBe(true)
  })

  test('one short transaction and one long: only the long one is passed over', () => {
    const mark = new LowWaterMark()
    mark.sent(500n, 100n)
    mark.accepts(snapshot(110, 50), 0)
    mark.accepts(snapshot(120, 50, 90), 2000)
    mark.dealtWith(snapshot(120, 50, 90), 2000, undefined)
    expect(mark.mark).toBe(0n)
  })

  test('forgets everything on a reset', () => {
    const mark = new LowWaterMark()
    mark.sent(500n, 100n)
    mark.accepts(snapshot(110), 0)
    mark.dealtWith(snapshot(110), 0, undefined)
    mark.reset()
    mark.dealtWith(snapshot(110), 0, undefined)
    expect(mark.mark).toBe(0n)
  })
})
