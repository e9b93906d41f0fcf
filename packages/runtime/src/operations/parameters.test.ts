import { expect, test } from 'vitest'
import type { ParameterContract } from '../contract/service-contract.ts'
import { type ParameterSources, readCookies, readParameter } from './parameters.ts'

const parameter = (more: Partial<ParameterContract>): ParameterContract => ({
  name: 'p',
  in: 'query',
  required: false,
  type: 'string',
  validate: () => true,
  ...more,
})
const sources = (more: Partial<ParameterSources>): ParameterSources => ({
  path: {},
  query: new URLSearchParams(),
  headers: {},
  cookies: {},
  ...more,
})
const inQuery = (query: string, more: Partial<ParameterContract>): unknown =>
  readParameter(parameter(more), sources({ query: new URLSearchParams(query) }))

// Each row: the text, what the contract says of it, the value.
test.each<[string, Partial<ParameterContract>, unknown]>([
  ['p=a', {}, 'a'],
  ['p=1', {}, '1'],
  ['p=1', { type: 'integer' }, 1],
  ['p=-1.5e2', { type: 'number' }, -150],
  ['p=0x10', { type: 'integer' }, '0x10'],
  ['p=', { type: 'integer' }, ''],
  ['p=true', { type: 'boolean' }, true],
  ['p=yes', { type: 'boolean' }, 'yes'],
  ['p=1&p=2', { type: 'array', itemType: 'integer' }, [1, 2]],
  ['p=1,2', { type: 'array', itemType: 'string' }, ['1,2']],
  ['p=1,2', { type: 'array', itemType: 'integer', explode: false }, [1, 2]],
  ['p=a%20b', { type: 'array', style: 'spaceDelimited', explode: false }, ['a', 'b']],
  ['p=a|b', { type: 'array', style: 'pipeDelimited', explode: false }, ['a', 'b']],
  ['p[x]=1&p[y]=2&q=3', { type: 'object', style: 'deepObject' }, { x: '1', y: '2' }],
  ['x=1&y=2', { type: 'object' }, { x: '1', y: '2' }],
  ['p=x,1,y,2', { type: 'object', explode: false }, { x: '1', y: '2' }],
  ['p={"x":1}', { type: 'object', contentType: 'application/json' }, { x: 1 }],
  ['p={', { type: 'object', contentType: 'application/json' }, '{'],
  ['q=1', { type: 'array' }, undefined],
  ['q=1', {}, undefined],
])('%s', (query, contract, value) => {
  expect(inQuery(query, contract)).toEqual(value)
})

test('path, header and cookie', () => {
  const from = sources({ path: { p: '1,2' }, headers: { p: 'a, b' }, cookies: { p: 'true' } })
  expect(readParameter(parameter({ in: 'path', type: 'array', itemType: 'integer' }), from)).toEqual([1, 2])
  expect(
    readParameter(parameter({ in: 'path', type: 'array', style: 'label' }), sources({ path: { p: '.1,2' } })),
  ).toEqual(['1', '2'])
  expect(
    readParameter(parameter({ in: 'path', type: 'integer', style: 'matrix' }), sources({ path: { p: ';p=7' } })),
  ).toBe(7)
  expect(readParameter(parameter({ in: 'header', name: 'P', type: 'array' }), from)).toEqual(['a', 'b'])
  expect(
    readParameter(
      parameter({ in: 'header', name: 'P', type: 'object', explode: true }),
      sources({ headers: { p: 'x=1,y=2' } }),
    ),
  ).toEqual({ x: '1', y: '2' })
  expect(readParameter(parameter({ in: 'cookie', type: 'boolean' }), from)).toBe(true)
  expect(readCookies('a=1; b=x=y;c')).toEqual({ a: '1', b: 'x=y' })
})
