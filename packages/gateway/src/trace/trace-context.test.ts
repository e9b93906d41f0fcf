import { expect, test } from 'vitest'
import { correlationOf } from './correlation.ts'
import { continueTrace } from './trace-context.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'

test('a valid traceparent goes on under a new span', () => {
  const next = continueTrace(`00-${trace}-${span}-01`, 'a=1,b=2')
  expect(next.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  expect(next.traceparent).not.toContain(span)
  expect(next.tracestate).toBe('a=1,b=2')
})

test('the sampled flag is kept, unknown flags are not', () => {
  expect(continueTrace(`00-${trace}-${span}-00`, undefined).traceparent.endsWith('-00')).toBe(true)
  expect(continueTrace(`00-${trace}-${span}-ff`, undefined).traceparent.endsWith('-01')).toBe(true)
})

test('a later version is continued as 00', () => {
  expect(continueTrace(`01-${trace}-${span}-01-extra`, undefined).traceparent).toMatch(new RegExp(`^00-${trace}-`))
})

test.each([
  undefined,
  '',
  'nonsense',
  `ff-${trace}-${span}-01`,
  `00-${'0'.repeat(32)}-${span}-01`,
  `00-${trace}-${'0'.repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${trace}-${span}-01-extra`,
  `00-${trace}-${span}`,
])('%s starts a new trace without state', (traceparent) => {
  const next = continueTrace(traceparent, 'a=1')
  expect(next.traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/)
  expect(next.traceparent).not.toContain(trace)
  expect(next.tracestate).toBeUndefined()
})

test('a long tracestate loses whole members from its end', () => {
  const members = Array.from({ length: 30 }, (_, index) => `k${index}=${'v'.repeat(20)}`)
  const next = continueTrace(`00-${trace}-${span}-01`, members.join(','))
  expect(next.tracestate?.length).toBeLessThanOrEqual(512)
  expect(members.join(',').startsWith(`${next.tracestate},`)).toBe(true)
})

test('new ids do not repeat', () => {
  const seen = new Set(Array.from({ length: 2000 }, () => continueTrace(undefined, undefined).traceparent))
  expect(seen.size).toBe(2000)
})

test('a usable correlation id is kept, another one replaced', () => {
  expect(correlationOf('order-7:retry/2')).toBe('order-7:retry/2')
  for (const bad of ['', 'a b', 'a"b', 'é', 'x'.repeat(129), "1' or '1'='1", 'a\r\nb', undefined]) {
    expect(correlationOf(bad)).toMatch(/^[0-9a-f-]{36}$/)
  }
})
