import { expect, test } from 'vitest'
import { callersOf, dependenciesOf, seedOf } from '../src/commands/verify-options.ts'

test('what can be read is read', () => {
  expect(callersOf(['X-Api-Key: a', 'Authorization: Bearer b:c'])).toEqual([
    [['X-Api-Key', 'a']],
    [['Authorization', 'Bearer b:c']],
  ])
  expect(dependenciesOf(['card=7109:127.0.0.1:7009'])).toEqual([
    { name: 'card', listen: { host: '127.0.0.1', port: 7109 }, target: { host: '127.0.0.1', port: 7009 } },
  ])
  expect(seedOf('7')).toBe(7)
})

test('what cannot is refused with a fix', () => {
  expect(() => callersOf(['ann'])).toThrow('`ann` is no header')
  expect(() => dependenciesOf(['card'])).toThrow('`card` is no dependency')
  expect(() => seedOf('x')).toThrow('--seed x is no number')
})
