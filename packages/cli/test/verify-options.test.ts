import { expect, test } from 'vitest'
import { callersOf, countsOf, dependenciesOf, seedOf } from '../src/commands/verify-options.ts'

test('what can be read is read', () => {
  expect(callersOf(['X-Api-Key: a', 'Authorization: Bearer b:c'])).toEqual([
    [['X-Api-Key', 'a']],
    [['Authorization', 'Bearer b:c']],
  ])
  expect(dependenciesOf(['card=7109:127.0.0.1:7009'])).toEqual([
    { name: 'card', listen: { host: '127.0.0.1', port: 7109 }, target: { host: '127.0.0.1', port: 7009 } },
  ])
  expect(seedOf('7')).toBe(7)
  const count = ['a=select count(*) from b where c = $1']
  expect([...countsOf({ database: 'postgres://', count })]).toEqual([['a', 'select count(*) from b where c = $1']])
})

test('what cannot is refused with a fix', () => {
  expect(() => callersOf(['ann'])).toThrow('`ann` is no header')
  expect(() => dependenciesOf(['card'])).toThrow('`card` is no dependency')
  expect(() => countsOf({ database: 'postgres://' })).toThrow('nothing to ask it')
  expect(() => countsOf({ count: ['a=b'] })).toThrow('no database to ask')
  expect(() => countsOf({ database: 'postgres://', count: ['select 1'] })).toThrow('does not say how to count')
  expect(() => seedOf('x')).toThrow('--seed x is no number')
})
