import { describe, expect, test } from 'vitest'
import { newMessageId } from './message-id.ts'
import { childTraceparent, newTraceparent, parseTraceparent } from './trace.ts'

const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('traceparent', () => {
  test('is parsed', () => {
    expect(parseTraceparent(parent)).toEqual({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentId: '00f067aa0ba902b7',
      flags: 1,
    })
  })

  test('of a later version may be longer', () => {
    expect(parseTraceparent(`cc${parent.slice(2)}-more`)?.parentId).toBe('00f067aa0ba902b7')
  })

  test.each([
    undefined,
    '',
    'x',
    parent.toUpperCase(),
    `${parent}-more`,
    `ff${parent.slice(2)}`,
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01',
  ])('is refused: %s', (text) => expect(parseTraceparent(text)).toBeUndefined())

  test('a child keeps the trace and its sampling, and has a span of its own', () => {
    const child = childTraceparent(parent)
    expect(child).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
    expect(child).not.toBe(parent)
    expect(childTraceparent(`${parent.slice(0, -2)}00`)).toMatch(/-00$/)
  })

  test('without a valid parent it is a new trace', () => {
    for (const made of [newTraceparent(), childTraceparent(), childTraceparent('x')])
      expect(parseTraceparent(made)).toBeDefined()
    expect(newTraceparent()).not.toBe(newTraceparent())
  })
})

test('message ids are UUIDs of version 7', () => {
  const ids = Array.from({ length: 2000 }, newMessageId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt((ids[0] as string).replace('-', '').slice(0, 12), 16)).toBeCloseTo(Date.now(), -4)
})
