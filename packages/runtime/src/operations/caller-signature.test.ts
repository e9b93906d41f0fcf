import { expect, test } from 'vitest'
import { signCaller, verifyCaller } from './caller-signature.ts'

const signed = { caller: 'https://id.example|ann', service: 'orders', method: 'POST', target: '/orders?a=1' }
const now = 1_800_000_000_000

test('a signature holds for its request, for a while', () => {
  const signature = signCaller('secret', signed, now)
  expect(verifyCaller('secret', signed, signature, now)).toBe(true)
  expect(verifyCaller('secret', signed, signature, now + 299_000)).toBe(true)
  expect(verifyCaller('secret', signed, signature, now + 302_000)).toBe(false)
  expect(verifyCaller('secret', signed, signature, now - 302_000)).toBe(false)
})

test.each([
  ['caller', { caller: 'admin' }],
  ['service', { service: 'payments' }],
  ['method', { method: 'GET' }],
  ['target', { target: '/orders?a=2' }],
])('and for no other %s', (_, other) => {
  expect(verifyCaller('secret', { ...signed, ...other }, signCaller('secret', signed, now), now)).toBe(false)
})

test.each(['', 't=1,v1=abc', `t=${now / 1000},v1=${'0'.repeat(64)}`, 'v1=x,t=y'])('nor is %j one', (signature) => {
  expect(verifyCaller('secret', signed, signature, now)).toBe(false)
  expect(verifyCaller('other', signed, signCaller('secret', signed, now), now)).toBe(false)
})
