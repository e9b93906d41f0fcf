/** Payloads in languages that are not read: never "no changes", never breaking, never counted as compared. */
import { expect, test } from 'vitest'
import type { Files } from '../source/files.ts'
import { diffSystems } from './diff-systems.ts'
import { loadSide } from './load-side.ts'

const avro = 'application/vnd.apache.avro;version=1.9.0'
const record = (...fields: string[]) => ({
  type: 'record',
  name: 'Order',
  fields: fields.map((name) => ({ name, type: 'string' })),
})
const json = { type: 'object', required: ['a'], properties: { a: { type: 'string' } } }

function load(action: string, payload: unknown, extra: object = {}) {
  const document = {
    asyncapi: '3.0.0',
    info: { title: 'T', version: '1.0.0' },
    channels: { c: { address: 'c', messages: { m: { payload } } } },
    operations: { o: { action, channel: { $ref: '#/channels/c' } } },
    ...extra,
  }
  const bytes = new TextEncoder().encode(JSON.stringify(document))
  const files: Files = { stat: () => ({ size: bytes.length, isFile: () => true }), read: () => bytes }
  const side = loadSide({ documents: [{ name: 'orders', file: '/contract.json' }] }, { files })
  if (side.system === undefined) throw new Error(JSON.stringify(side.findings))
  return side
}

function changes(before: unknown, after: unknown, action: string) {
  const { findings, looked } = diffSystems(load(action, before), load(action, after))
  return { found: findings.map(({ level, id }) => `${level} ${id}`), message: findings[0]?.message, looked }
}

const inAvro = (schema: unknown, format = avro) => ({ schemaFormat: format, schema })

test.each(['send', 'receive'])(
  '%s: a changed Avro record is a warning with its reason, and is not counted',
  (action) => {
    const { found, message, looked } = changes(inAvro(record('a', 'b')), inAvro(record('a')), action)
    expect(found).toEqual(['warning schema-not-decided'])
    expect(message).toMatch(/at `\/fields\/1`; whether .* is not known: schemas in `application\/vnd\.apache\.avro/)
    expect(looked.schemas).toBe(0)
  },
)

test.each([
  ['JSON Schema to Avro', json, inAvro(record('a'))],
  ['Avro to JSON Schema', inAvro(record('a')), json],
  ['Avro to Protobuf', inAvro(record('a')), inAvro('message M {}', 'application/vnd.google.protobuf;version=3')],
])('%s: the format is the finding, in both directions', (_name, before, after) => {
  for (const action of ['send', 'receive']) {
    expect(changes(before, after, action).found).toEqual(['warning schema-format-changed'])
  }
})

test('the same record as a text is the same; another version of Avro is a remark', () => {
  expect(changes(inAvro(record('a')), inAvro(JSON.stringify(record('a'))), 'send').found).toEqual([])
  const later = inAvro(record('a'), 'application/vnd.apache.avro+json;version=1.11.0')
  expect(changes(inAvro(record('a')), later, 'send').found).toEqual(['info schema-format-changed'])
})

test('a record that is referred to is compared, too', () => {
  const refers = { $ref: '#/components/schemas/Order' }
  const holding = (schema: unknown) => load('send', refers, { components: { schemas: { Order: inAvro(schema) } } })
  const { findings } = diffSystems(holding(record('a', 'b')), holding(record('a')))
  expect(findings.map(({ id }) => id)).toEqual(['schema-not-decided'])
})

test.each(['application/schema+json;version=draft-07', 'application/vnd.aai.asyncapi+yaml;version=3.0.0'])(
  '%s is JSON Schema, and is read',
  (format) => {
    const { found, looked } = changes(inAvro(json, format), inAvro({ ...json, required: [] }, format), 'send')
    expect(found).toEqual(['breaking sent-schema-widened'])
    expect(looked.schemas).toBe(1)
  },
)

test('a schema that is elsewhere, and is never fetched, can be compared by its address', () => {
  const at = (file: string) => inAvro({ $ref: `https://example.org/${file}.avsc` })
  expect(changes(at('a'), at('a'), 'send').found).toEqual([])
  expect(changes(at('a'), at('b'), 'send').found).toEqual(['warning schema-not-decided'])
})
