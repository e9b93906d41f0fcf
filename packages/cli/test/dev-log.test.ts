import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { DevLog } from '../src/dev/dev-log.ts'
import { readable } from '../src/dev/readable.ts'

test('a pino line becomes a sentence with its fields', () => {
  const line = JSON.stringify({
    level: 40,
    time: 1,
    pid: 2,
    hostname: 'h',
    orderId: 'ord_17',
    note: 'two words',
    msg: 'slow',
    nested: { a: 1 },
    ms: 4,
  })
  expect(readable(line)).toEqual({
    level: 'warn',
    message: 'slow',
    fields: 'orderId=ord_17 note="two words" nested={"a":1} ms=4',
    values: { orderId: 'ord_17', note: 'two words', nested: { a: 1 }, ms: 4 },
    below: [],
  })
})

test('an error in it stands below, its stack cut', () => {
  const stack = `Error: no\n${Array.from({ length: 30 }, (_, n) => `    at f${n}`).join('\n')}`
  const { message, level, below } = readable(
    JSON.stringify({ level: 50, err: { type: 'Error', message: 'no', stack }, msg: 'failed' }),
  )
  expect({ message, level, first: below[0], lines: below.length }).toEqual({
    message: 'failed',
    level: 'error',
    first: 'Error: no',
    lines: 12,
  })
})

test('anything else stays as it is, but cannot move the cursor', () => {
  for (const line of ['hello', '{"no":"message"}', '{broken', '[1,2]', '{"msg":5}'])
    expect(readable(line).message).toBe(line)
  expect(readable('\u001B[31mred\u001B[0m\u001B[2J\u0007!').message).toBe('\u001B[31mred\u001B[0m!')
  expect(readable('x'.repeat(5000)).message).toBe(`${'x'.repeat(4000)}… (1000 more characters)`)
  expect(readable('{"level":"warning","message":"m"}').level).toBe('warn')
})

function written(json: boolean): { log: DevLog; text: () => string } {
  const stream = new PassThrough()
  const log = new DevLog({
    json,
    speakers: ['orders', 'inventory'],
    stream,
    now: () => new Date(2026, 0, 2, 3, 4, 5, 6),
  })
  return { log, text: () => String(stream.read() ?? '') }
}

test('the log is aligned', () => {
  const { log, text } = written(false)
  log.output('orders', '{"level":30,"time":1,"name":"orders","port":7001,"msg":"listening"}')
  log.output('inventory', 'plain')
  log.output('inventory', '   ')
  log.output('orders', '{"level":50,"time":1,"msg":"failed","err":{"stack":"Error: x\\n    at y"}}')
  log.event('crashed', 'ended with code 1', { about: 'orders', level: 'error' })
  log.event('ready', 'shop is up')
  expect(text()).toBe(
    [
      '03:04:05.006 orders    │ listening  port=7001',
      '03:04:05.006 inventory │ plain',
      '03:04:05.006 orders    │ error  failed',
      '03:04:05.006 orders    │   Error: x',
      '03:04:05.006 orders    │       at y',
      '03:04:05.006 orders    │ ended with code 1',
      '03:04:05.006 spandrel  │ shop is up',
      '',
    ].join('\n'),
  )
})

test('for programs it is JSON lines', () => {
  const { log, text } = written(true)
  log.output('orders', '{"level":30,"time":1,"port":7001,"msg":"listening"}')
  log.event('crashed', 'ended', { about: 'orders', level: 'error', fields: { againInMs: 200 } })
  const time = new Date(2026, 0, 2, 3, 4, 5, 6).toISOString()
  expect(
    text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { time, source: 'orders', level: 'info', message: 'listening', fields: { port: 7001 } },
    { time, source: 'spandrel', level: 'error', event: 'crashed', message: 'ended', about: 'orders', againInMs: 200 },
  ])
})
