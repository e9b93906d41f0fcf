/** Our codec against the CloudEvents SDK: what one writes, the other reads. */
import { CloudEvent, type CloudEventV1, HTTP } from 'cloudevents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHttp, encodeBinary, encodeStructured, structuredContentType } from './cloudevents.ts'
import type { Envelope, MessageAttributes } from './envelope.ts'

const attributes: MessageAttributes = {
  specversion: '1.0',
  id: '0190-1',
  source: '/shop/orders',
  type: 'orderPlaced',
  time: '2026-11-22T14:00:00.000Z',
  datacontenttype: 'application/json',
  dataschema: 'urn:spandrel:orders:1.0.0',
  partitionkey: 'order 1 "€" 100%',
  correlationid: 'c-1',
  causationid: 'm-0',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
}
const envelope: Envelope = { attributes, data: '{"orderId":"o1","total":12345678901234567890.10}' }
const structured = { 'content-type': structuredContentType }

function ofSdk(event: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(event)) as Record<string, unknown>
}

const expected = { ...attributes, data: JSON.parse(envelope.data) as unknown }

describe('with the CloudEvents SDK', () => {
  test('it reads what we write, binary', () => {
    const { headers, body } = encodeBinary(envelope)
    // The SDK takes header values as they are: undo the percent-encoding of the HTTP binding for it.
    const decoded = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, decodeURIComponent(value)]),
    )
    expect(ofSdk(HTTP.toEvent({ headers: decoded, body }))).toEqual(expected)
  })

  test('it reads what we write, structured', () => {
    expect(ofSdk(HTTP.toEvent({ headers: structured, body: encodeStructured(envelope) }))).toEqual(expected)
  })

  test.each(['binary', 'structured'] as const)('we read what it writes, %s', (mode) => {
    const { partitionkey: _, ...plain } = attributes
    const event = new CloudEvent({ ...plain, data: { orderId: 'o1' } } as Partial<CloudEventV1<unknown>>)
    const { headers, body } = HTTP[mode](event)
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
    )
    const read = decodeHttp(lower, String(body))
    expect(read).toEqual({ attributes: plain, data: '{"orderId":"o1"}' })
  })
})

describe('round trips', () => {
  test('keep the data’s text and every attribute', () => {
    const text = fc
      .string({ unit: 'grapheme' })
      .filter((value) => value.length > 0 && !/[\p{Cc}]/u.test(value) && value.isWellFormed())
    fc.assert(
      fc.property(text, text, fc.json(), (id, key, data) => {
        const sent = { attributes: { ...attributes, id, partitionkey: key }, data }
        const { headers, body } = encodeBinary(sent)
        for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/)
        expect(decodeHttp(headers, body)).toEqual(sent)
        expect(decodeHttp(structured, encodeStructured(sent))).toEqual(sent)
      }),
    )
  })

  test('numbers that JavaScript cannot hold survive', () => {
    expect(decodeHttp(structured, encodeStructured(envelope)).data).toBe(envelope.data)
    const spaced = `{ "data" : [ 1.0 , {"data": 1} ] , "d\\u0061ta" : 1.10 , ${JSON.stringify(attributes).slice(1)}`
    expect(decodeHttp(structured, spaced).data).toBe('1.10')
  })
})

describe('from outside', () => {
  const minimal = {
    'ce-specversion': '1.0',
    'ce-id': 'a',
    'ce-source': '/x',
    'ce-type': 't',
    'content-type': 'application/json; charset=utf-8',
  }

  test('what is optional in CloudEvents is filled in', () => {
    const read = decodeHttp(minimal, '{}')
    expect(read.attributes).toEqual({
      specversion: '1.0',
      id: 'a',
      source: '/x',
      type: 't',
      datacontenttype: 'application/json',
      correlationid: 'a',
      time: expect.any(String) as string,
    })
    expect(decodeHttp(minimal, '').data).toBe('null')
    expect(decodeHttp({ ...minimal, 'ce-x': '"quoted \\"here\\""' }, '{}').attributes['x']).toBe('quoted "here"')
  })

  test('base64 data is read, and extensions that are no strings', () => {
    const body = JSON.stringify({
      specversion: '1.0',
      id: 'a',
      source: '/x',
      type: 't',
      n: 3,
      b: true,
      data_base64: Buffer.from('{"a":1}').toString('base64'),
    })
    const read = decodeHttp(structured, body)
    expect(read.data).toBe('{"a":1}')
    expect(read.attributes).toMatchObject({ n: '3', b: 'true' })
  })

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['another version', { ...minimal, 'ce-specversion': '0.3' }, '{}', /specversion must be 1.0/],
    ['no id', { ...minimal, 'ce-id': '' }, '{}', /id is required/],
    ['a bad time', { ...minimal, 'ce-time': 'yesterday' }, '{}', /RFC 3339/],
    ['a bad name', { ...minimal, 'ce-some_thing': 'x' }, '{}', /attribute name/],
    ['a body that is no JSON', minimal, '{', /not JSON/],
    ['data that is no JSON', { ...minimal, 'content-type': 'text/plain' }, 'x', /must be JSON/],
    ['a header that is not UTF-8', { ...minimal, 'ce-x': '%ff' }, '{}', /percent-encoded/],
    ['control characters', { ...minimal, 'ce-x': '%0a' }, '{}', /control characters/],
    ['a long value', { ...minimal, 'ce-x': 'x'.repeat(9000) }, '{}', /longer than/],
    ['a batch', { 'content-type': 'application/cloudevents-batch+json' }, '[]', /batches/],
    ['another format', { 'content-type': 'application/cloudevents+avro' }, '', /only JSON/],
    ['an array', structured, '[]', /no JSON object/],
    [
      'an object as attribute',
      structured,
      '{"specversion":"1.0","id":"a","source":"/","type":"t","x":{}}',
      /must be a string/,
    ],
    [
      'data twice',
      structured,
      '{"specversion":"1.0","id":"a","source":"/","type":"t","data":1,"data_base64":"MQ=="}',
      /instead of data/,
    ],
  ])('%s is refused', (_, headers, body, message) => {
    expect(() => decodeHttp(headers, body)).toThrow(message)
  })
})
