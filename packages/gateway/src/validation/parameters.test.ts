import { expect, test } from 'vitest'
import { ask, gateway, service } from '../../test/servers.ts'
import { type OperationSketch, system } from '../../test/system.ts'

type Ask = (path: string, headers?: Record<string, string>) => Promise<{ status: number; errors: unknown }>

/** A gateway before one operation; a request's status and faults. */
async function operation(sketch: Partial<OperationSketch>, schemas: Record<string, object> = {}): Promise<Ask> {
  const one = await service()
  const { url } = await gateway({
    system: system({ one: { url: one.url, operations: { op: { path: '/x', ...sketch } }, schemas: schemas as never } }),
  })
  return async (path, headers = {}) => {
    const answer = await ask(url, { path, headers })
    expect(one.seen.length > 0 && answer.status !== 200).toBe(false)
    const { errors } = answer.json()
    if (answer.status === 200) one.seen.splice(0)
    return { status: answer.status, errors }
  }
}

const passes = { status: 200, errors: undefined }

test('a text becomes a number where the schema wants one', async () => {
  const to = await operation({
    parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100 } }],
  })
  expect(await to('/x?limit=5')).toEqual(passes)
  expect(await to('/x')).toEqual(passes)
  expect(await to('/x?limit=0')).toEqual({
    status: 400,
    errors: [{ in: 'query', name: 'limit', detail: 'must be >= 1' }],
  })
  for (const bad of ['five', '5.5', '0x5', '', '+5', '05', 'NaN', ' 5']) {
    expect(await to(`/x?limit=${encodeURIComponent(bad)}`)).toMatchObject({ errors: [{ detail: 'must be integer' }] })
  }
})

test('booleans are true and false', async () => {
  const to = await operation({ parameters: [{ name: 'all', in: 'query', schema: { type: 'boolean' } }] })
  expect(await to('/x?all=true')).toEqual(passes)
  expect(await to('/x?all=false')).toEqual(passes)
  expect(await to('/x?all=1')).toMatchObject({ status: 400 })
})

test('a text stays a text, also where it looks like a number', async () => {
  const to = await operation({
    parameters: [{ name: 'zip', in: 'query', schema: { type: 'string', pattern: '^[0-9]{5}$' } }],
  })
  expect(await to('/x?zip=01234')).toEqual(passes)
  expect(await to('/x?zip=1')).toMatchObject({ status: 400 })
})

test('a text that may be read in two ways fits where one of them fits', async () => {
  const kinds = { type: 'array', items: { enum: ['patch', 'deployment'] }, maxItems: 2 }
  const to = await operation({
    parameters: [
      { name: 'has', in: 'query', schema: { oneOf: [{ type: 'string', pattern: '^[a-z,]+$' }, kinds] } },
      { name: 'code', in: 'query', schema: { anyOf: [{ type: 'integer', maximum: 9 }, { enum: ['10', '11'] }] } },
    ],
  })
  expect(await to('/x?has=anything')).toEqual(passes)
  expect(await to('/x?has=patch&has=deployment')).toEqual(passes)
  expect(await to('/x?has=patch&has=other')).toMatchObject({ errors: expect.arrayContaining([expect.anything()]) })
  expect(await to('/x?has=ANY')).toMatchObject({ status: 400 })
  expect(await to('/x?code=9')).toEqual(passes)
  expect(await to('/x?code=10')).toEqual(passes)
  expect(await to('/x?code=12')).toMatchObject({ status: 400 })
  expect(await to('/x?code=10&code=11')).toMatchObject({ errors: [{ detail: 'is given more than once' }] })
})

test('a required parameter that is missing is named, together with other faults', async () => {
  const to = await operation({
    parameters: [
      { name: 'a', in: 'query', required: true },
      { name: 'X-B', in: 'header', required: true },
      { name: 'c', in: 'cookie', required: true },
    ],
  })
  expect(await to('/x')).toEqual({
    status: 400,
    errors: [
      { in: 'query', name: 'a', detail: 'is required' },
      { in: 'header', name: 'X-B', detail: 'is required' },
      { in: 'cookie', name: 'c', detail: 'is required' },
    ],
  })
  expect(await to('/x?a=1', { 'x-b': '1', cookie: 'b=2; c=3' })).toEqual(passes)
})

test('a parameter given twice is refused: two readers would take two different ones', async () => {
  const to = await operation({ parameters: [{ name: 'a', in: 'query' }] })
  expect(await to('/x?a=1&a=2')).toMatchObject({ errors: [{ detail: 'is given more than once' }] })
})

test('parameters that are not declared pass', async () => {
  const to = await operation({ parameters: [{ name: 'a', in: 'query' }] })
  expect(await to('/x?other=%zz&a=1')).toEqual(passes)
})

test('a broken percent escape is a fault of its parameter', async () => {
  const to = await operation({ parameters: [{ name: 'a', in: 'query' }] })
  expect(await to('/x?a=%zz')).toMatchObject({ errors: [{ name: 'a', detail: 'has a broken percent escape' }] })
  expect(await to('/x?a=%c3%28')).toMatchObject({ status: 400 })
})

const numbers = { type: 'array', items: { type: 'integer' }, maxItems: 3 }

test.each([
  ['form, exploded', { style: 'form', explode: true }, 'ids=1&ids=2', 'ids=1&ids=x'],
  ['form', { style: 'form', explode: false }, 'ids=1,2', 'ids=1,x'],
  ['spaceDelimited', { style: 'spaceDelimited', explode: false }, 'ids=1%202', 'ids=1%20x'],
  ['pipeDelimited', { style: 'pipeDelimited', explode: false }, 'ids=1|2', 'ids=1%7Cx'],
])('an array in a query, %s', async (_style, given, good, bad) => {
  const to = await operation({ parameters: [{ name: 'ids', in: 'query', schema: numbers, ...given }] })
  expect(await to(`/x?${good}`)).toEqual(passes)
  expect(await to(`/x?${bad}`)).toEqual({
    status: 400,
    errors: [{ in: 'query', name: 'ids', pointer: '/1', detail: 'must be integer' }],
  })
})

test('an escaped comma is part of an item', async () => {
  const to = await operation({
    parameters: [{ name: 'a', in: 'query', explode: false, schema: { type: 'array', items: { enum: ['x,y', 'z'] } } }],
  })
  expect(await to('/x?a=x%2Cy,z')).toEqual(passes)
  expect(await to('/x?a=x,y,z')).toMatchObject({ status: 400 })
})

test('arrays have their bounds', async () => {
  const to = await operation({ parameters: [{ name: 'ids', in: 'query', schema: numbers }] })
  expect(await to('/x?ids=1&ids=2&ids=3&ids=4')).toMatchObject({
    errors: [{ detail: 'must NOT have more than 3 items' }],
  })
})

const filter = {
  type: 'object',
  properties: {
    state: { enum: ['open', 'done'] },
    max: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  additionalProperties: false,
}

test('deepObject', async () => {
  const to = await operation({
    parameters: [{ name: 'f', in: 'query', style: 'deepObject', explode: true, schema: filter }],
  })
  expect(await to('/x?f[state]=open&f[max]=5&f[tags]=a&f[tags]=b')).toEqual(passes)
  expect(await to('/x?f%5Bstate%5D=open')).toEqual(passes)
  expect(await to('/x?f[state]=lost')).toMatchObject({
    errors: [{ pointer: '/state', detail: 'must be one of "open", "done"' }],
  })
  expect(await to('/x?f[max]=x')).toMatchObject({ errors: [{ pointer: '/max' }] })
  expect(await to('/x?f[other]=1')).toMatchObject({ errors: [{ detail: 'has "other", which is not declared' }] })
  expect(await to('/x?f[max]=1&f[max]=2')).toMatchObject({ errors: [{ detail: 'has "max" more than once' }] })
  expect(await to('/x?f[__proto__]=1')).toMatchObject({ status: 400 })
})

test('an exploded object in a query has its properties as parameters', async () => {
  const to = await operation({ parameters: [{ name: 'f', in: 'query', style: 'form', explode: true, schema: filter }] })
  expect(await to('/x?state=open&max=5&page=2')).toEqual(passes)
  expect(await to('/x?max=x')).toMatchObject({ errors: [{ name: 'f', pointer: '/max' }] })
})

test('an object in a query in one text', async () => {
  const to = await operation({ parameters: [{ name: 'f', in: 'query', explode: false, schema: filter }] })
  expect(await to('/x?f=state,open,max,5')).toEqual(passes)
  expect(await to('/x?f=state')).toMatchObject({ errors: [{ detail: 'is not a list of names and values' }] })
})

test('path parameters: simple, label, matrix', async () => {
  const to = await operation({
    path: '/x/{id}/{l}/{m}',
    parameters: [
      { name: 'id', in: 'path', schema: { type: 'integer' } },
      { name: 'l', in: 'path', style: 'label', schema: numbers },
      { name: 'm', in: 'path', style: 'matrix', schema: numbers },
    ],
  })
  expect(await to('/x/7/.1,2/;m=1,2')).toEqual(passes)
  expect(await to('/x/seven/.1/;m=1')).toMatchObject({
    errors: [{ in: 'path', name: 'id', detail: 'must be integer' }],
  })
  expect(await to('/x/7/1/;m=1')).toMatchObject({ errors: [{ name: 'l' }] })
  expect(await to('/x/7/.1/m=1')).toMatchObject({ errors: [{ name: 'm' }] })
})

test('exploded label and matrix', async () => {
  const to = await operation({
    path: '/x/{l}/{m}',
    parameters: [
      { name: 'l', in: 'path', style: 'label', explode: true, schema: numbers },
      { name: 'm', in: 'path', style: 'matrix', explode: true, schema: numbers },
    ],
  })
  expect(await to('/x/.1.2/;m=1;m=2')).toEqual(passes)
  expect(await to('/x/.1.x/;m=1;m=2')).toMatchObject({ errors: [{ name: 'l', pointer: '/1' }] })
  expect(await to('/x/.1.2/;m=1;m=x')).toMatchObject({ errors: [{ name: 'm', pointer: '/1' }] })
})

test('path values are decoded before they are checked, and forwarded as they came', async () => {
  const one = await service()
  const { url } = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: {
          op: { path: '/x/{name}', parameters: [{ name: 'name', in: 'path', schema: { enum: ['a b'] } }] },
        },
      },
    }),
  })
  expect((await ask(url, { path: '/x/a%20b?q=1' })).status).toBe(200)
  expect(one.seen[0]?.url).toBe('/x/a%20b?q=1')
})

test('header arrays and objects', async () => {
  const to = await operation({
    parameters: [
      { name: 'X-Ids', in: 'header', schema: numbers },
      { name: 'X-Filter', in: 'header', explode: true, schema: filter },
    ],
  })
  expect(await to('/x', { 'x-ids': '1, 2', 'x-filter': 'state=open,max=5' })).toEqual(passes)
  expect(await to('/x', { 'x-ids': '1, x' })).toMatchObject({ errors: [{ name: 'X-Ids', pointer: '/1' }] })
})

test('accept, content-type and authorization are no parameters', async () => {
  const to = await operation({
    parameters: [{ name: 'Accept', in: 'header', required: true, schema: { enum: ['text/csv'] } }],
  })
  expect(await to('/x')).toEqual(passes)
})

test('a parameter can be JSON', async () => {
  const to = await operation({
    parameters: [{ name: 'f', in: 'query', contentType: 'application/json', schema: filter }],
  })
  expect(await to(`/x?f=${encodeURIComponent('{"max":5}')}`)).toEqual(passes)
  expect(await to(`/x?f=${encodeURIComponent('{"max":"x"}')}`)).toMatchObject({ errors: [{ pointer: '/max' }] })
  expect(await to('/x?f=nope')).toMatchObject({ errors: [{ detail: 'is not JSON' }] })
})

test('types are found through references, unions and null', async () => {
  const to = await operation(
    {
      parameters: [
        { name: 'a', in: 'query', schema: { $ref: '#/$defs/Limit' } },
        { name: 'b', in: 'query', schema: { anyOf: [{ type: 'integer' }, { const: 'all' }] } },
        { name: 'c', in: 'query', schema: { type: ['integer', 'null'] } },
      ],
    },
    { Limit: { allOf: [{ type: 'integer' }, { maximum: 9 }] } },
  )
  expect(await to('/x?a=5&b=all&c=null')).toEqual(passes)
  expect(await to('/x?b=12&c=')).toEqual(passes)
  expect(await to('/x?a=10')).toMatchObject({ errors: [{ name: 'a', detail: 'must be <= 9' }] })
  expect(await to('/x?b=some')).toMatchObject({ status: 400 })
})

test('formats are checked', async () => {
  const to = await operation({ parameters: [{ name: 'day', in: 'query', schema: { type: 'string', format: 'date' } }] })
  expect(await to('/x?day=2026-02-28')).toEqual(passes)
  expect(await to('/x?day=2026-02-30')).toMatchObject({ errors: [{ detail: 'must match format "date"' }] })
})

test('the whole query as one parameter', async () => {
  const to = await operation({
    parameters: [{ name: 'q', in: 'querystring', contentType: 'application/x-www-form-urlencoded', schema: filter }],
  })
  expect(await to('/x?state=open&max=5')).toEqual(passes)
  expect(await to('/x?other=1')).toMatchObject({ status: 400 })
})
