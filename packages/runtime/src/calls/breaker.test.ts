import { expect, test } from 'vitest'
import { Breaker } from './breaker.ts'

type Ended = (providerIsUp: boolean | undefined) => void

function breaker() {
  let now = 0
  const it = new Breaker({ failures: 3, coolDownMs: 1000, maxCoolDownMs: 4000, now: () => now })
  const enter = (): Ended => {
    const entry = it.enter()
    if (entry.refusedMs !== undefined) throw new Error(`refused for ${entry.refusedMs} ms`)
    return entry.ended
  }
  return {
    it,
    enter,
    pass: (ms: number) => {
      now += ms
    },
    fail: (times: number) => {
      for (let index = 0; index < times; index++) enter()(false)
    },
  }
}

test('opens after so many failures in a row, and a success in between starts the count again', () => {
  const { it, enter, fail } = breaker()
  fail(2)
  enter()(true)
  fail(2)
  expect(it.state).toBe('closed')
  fail(1)
  expect(it.state).toBe('open')
  expect(it.enter().refusedMs).toBeGreaterThan(0)
})

test('half-open: one try goes, the others are refused until it has ended', () => {
  const { it, enter, fail, pass } = breaker()
  fail(3)
  pass(1000)
  expect(it.state).toBe('half-open')
  const probe = enter()
  expect(it.enter().refusedMs).toBeGreaterThan(0)
  probe(true)
  expect([it.state, it.enter().refusedMs]).toEqual(['closed', undefined])
})

test('a failed probe doubles the cool-down, up to the limit', () => {
  const { it, enter, fail, pass } = breaker()
  fail(3)
  const waits: number[] = []
  for (let index = 0; index < 4; index++) {
    waits.push(it.enter().refusedMs ?? 0)
    pass(5000)
    enter()(false)
  }
  expect(waits[0]).toBeLessThanOrEqual(1000)
  expect(waits[1]).toBeGreaterThan(1400)
  expect(waits[1]).toBeLessThanOrEqual(2000)
  expect(waits[3]).toBeGreaterThan(2900)
  expect(waits[3]).toBeLessThanOrEqual(4000)
})

test('what was let in before it opened changes nothing when it ends later', () => {
  const { it, enter, fail, pass } = breaker()
  const [before, slow] = [enter(), enter()]
  fail(3)
  before(true)
  expect(it.state).toBe('open')
  pass(1000)
  const probe = enter()
  slow(false)
  expect(it.state).toBe('half-open')
  probe(true)
  expect(it.state).toBe('closed')
})

test('a probe that takes longer than a cool-down makes room for another; the first that ends decides', () => {
  for (const isUp of [true, false]) {
    const { it, enter, fail, pass } = breaker()
    fail(3)
    pass(1000)
    const slow = enter()
    pass(1000)
    const next = enter()
    expect(it.enter().refusedMs).toBeGreaterThan(0)
    slow(isUp)
    expect(it.state).toBe(isUp ? 'closed' : 'open')
    next(!isUp)
    expect(it.state).toBe(isUp ? 'closed' : 'open')
  }
})

test('a probe that has learnt nothing makes room for the next at once, but not for one that is under way', () => {
  const { it, enter, fail, pass } = breaker()
  fail(3)
  pass(1000)
  const left = enter()
  left(undefined)
  expect([it.state, it.refusedMs]).toEqual(['half-open', 0])
  const slow = enter()
  pass(1000)
  const next = enter()
  slow(undefined)
  expect(it.refusedMs).toBeGreaterThan(0)
  next(true)
  expect(it.state).toBe('closed')
})

test('a try that has learnt nothing is none', () => {
  const { it, enter, fail } = breaker()
  fail(2)
  enter()(undefined)
  fail(1)
  expect(it.state).toBe('open')
})

test('opens where too large a share of a window fails, whatever comes between', () => {
  let now = 0
  const states: string[] = []
  const it = new Breaker({
    rate: 0.5,
    rateTries: 4,
    rateWindowMs: 100,
    now: () => now,
    changed: (to) => states.push(to),
  })
  const end = (providerIsUp: boolean): void => {
    const entry = it.enter()
    if (entry.refusedMs !== undefined) throw new Error('refused')
    entry.ended(providerIsUp)
  }
  for (const up of [true, false, false]) end(up)
  expect(it.state).toBe('closed')
  // Another window: what was before counts no more.
  now = 100
  for (const up of [true, true, true, false, true, false, false]) end(up)
  expect([it.state, states]).toEqual(['closed', []])
  end(false)
  expect(it.state).toBe('open')
  now = 10_000
  end(true)
  expect([it.state, states]).toEqual(['closed', ['open', 'half-open', 'closed']])
  // The window that opened it does not open it again.
  end(false)
  expect(it.state).toBe('closed')
})
