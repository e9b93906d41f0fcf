import { expect, test } from 'vitest'
import { Breaker } from './breaker.ts'

function breaker(): { breaker: Breaker; pass: (ms: number) => void } {
  let now = 0
  return {
    breaker: new Breaker({ failures: 3, coolDownMs: 1000, maxCoolDownMs: 4000, now: () => now }),
    pass: (ms) => {
      now += ms
    },
  }
}

test('opens after so many failures in a row, and a success in between starts the count again', () => {
  const { breaker: it } = breaker()
  it.failed()
  it.failed()
  it.succeeded()
  it.failed()
  it.failed()
  expect([it.state, it.enter()]).toEqual(['closed', undefined])
  it.failed()
  expect(it.state).toBe('open')
  expect(it.enter()).toBeGreaterThan(0)
})

test('half-open: one try goes, the others are refused until it has ended', () => {
  const { breaker: it, pass } = breaker()
  for (let index = 0; index < 3; index++) it.failed()
  pass(1000)
  expect(it.state).toBe('half-open')
  expect(it.enter()).toBeUndefined()
  expect(it.enter()).toBeGreaterThan(0)
  it.succeeded()
  expect([it.state, it.enter()]).toEqual(['closed', undefined])
})

test('a failed probe doubles the cool-down, up to the limit', () => {
  const { breaker: it, pass } = breaker()
  for (let index = 0; index < 3; index++) it.failed()
  const waits: number[] = []
  for (let index = 0; index < 4; index++) {
    waits.push(it.enter() ?? 0)
    pass(5000)
    expect(it.enter()).toBeUndefined()
    it.failed()
  }
  expect(waits[0]).toBeLessThanOrEqual(1000)
  expect(waits[1]).toBeGreaterThan(1400)
  expect(waits[1]).toBeLessThanOrEqual(2000)
  expect(waits[3]).toBeGreaterThan(2900)
  expect(waits[3]).toBeLessThanOrEqual(4000)
})

test('a probe that never says how it ended does not keep the breaker half-open for ever', () => {
  const { breaker: it, pass } = breaker()
  for (let index = 0; index < 3; index++) it.failed()
  pass(1000)
  expect(it.enter()).toBeUndefined()
  pass(1000)
  expect(it.enter()).toBeUndefined()
})
