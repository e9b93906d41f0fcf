/** Swagger 2.0 and AsyncAPI 2 are checked by their official schemas, and read as the versions we know; Arazzo is checked. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { LoadResult, Service } from '../src/index.ts'
import { checkDocuments } from '../src/index.ts'

const folder = fileURLToPath(new URL('fixtures/older', import.meta.url))

async function service(name: string): Promise<Service> {
  const { system, findings } = await checkDocuments([join(folder, name)], { env: {} })
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  const [found] = Object.values(system?.services ?? {})
  if (found === undefined) throw new Error(`nothing was read from ${name}`)
  return found
}

/** The document with one change; where it stands, `flights.openapi.yaml` is its neighbour. */
async function changed(name: string, from: string, to: string): Promise<LoadResult & { readonly line: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'spandrel-older-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const text = readFileSync(join(folder, name), 'utf8')
  if (!text.includes(from)) throw new Error(`${name} has no ${from}`)
  writeFileSync(join(dir, 'flights.openapi.yaml'), readFileSync(join(folder, 'flights.openapi.yaml')))
  writeFileSync(join(dir, name), text.replace(from, to))
  const line = text.slice(0, text.indexOf(from)).split('\n').length
  return { line, ...(await checkDocuments([join(dir, name)], { env: {} })) }
}

test('Swagger 2.0: operations, bodies, forms, answers and security', async () => {
  const pets = await service('pets.swagger.yaml')
  expect(Object.keys(pets.operations)).toEqual(['listPets', 'addPet', 'addPhoto'])
  const { listPets, addPet, addPhoto } = pets.operations
  expect(listPets?.parameters.map(({ name, type, explode }) => [name, type, explode])).toEqual([
    ['since', 'string', false],
    ['tags', 'array', true],
  ])
  expect(listPets?.responses['200']?.content[0]?.schema?.schema).toEqual({
    type: 'array',
    items: { $ref: '#/$defs/Pet' },
  })
  expect(addPet?.requestBody).toMatchObject({
    required: true,
    content: [{ json: true, schema: { schema: { $ref: '#/$defs/Pet' } } }],
  })
  expect(addPet?.responses['201']?.headers[0]?.name).toBe('Location')
  expect(addPhoto?.parameters[0]).toMatchObject({ name: 'petId', in: 'path', type: 'string' })
  expect(addPhoto?.requestBody?.content[0]).toMatchObject({
    contentType: 'multipart/form-data',
    schema: { schema: { required: ['photo'], properties: { photo: { type: 'string', format: 'binary' } } } },
  })
})

test('Swagger 2.0: rules apply to what was read, at its own place', async () => {
  const { findings } = await checkDocuments([join(folder, 'pets.swagger.yaml')], { env: {} })
  expect(findings.map(({ id, severity, line }) => [id, severity, line])).toEqual([
    ['integration-has-owner', 'info', 1],
    ['poll-without-push', 'info', 17],
    ['unsafe-without-idempotency', 'info', 21],
  ])
})

test('AsyncAPI 2: where others publish, the application receives', async () => {
  const lights = await service('lights.asyncapi.yaml')
  expect(lights.receives['onMeasured']).toMatchObject({
    channel: 'lights/measured',
    messages: [{ message: 'measured' }],
  })
  expect(lights.receives['onMeasured']?.messages[0]?.correlation).toMatchObject({ source: 'message.header' })
  expect(lights.sends['sendCommand']?.messages.map(({ type }) => type)).toEqual(['turnOn', 'turnOff'])
})

describe('a fault is an error on its line', () => {
  test.each([
    ['pets.swagger.yaml', 'host: pets', 'hots: pets', 'unknown-key'],
    ['pets.swagger.yaml', 'info: { title: Pets, version: 1.0.0 }', 'info: { title: Pets }', 'missing-member'],
    ['pets.swagger.yaml', 'schemes: [https]', 'schemes: [htps]', 'unknown-value'],
    ['pets.swagger.yaml', '- { name: since, in: query,', '- { name: since, in: qurey,', 'unknown-value'],
    ['pets.swagger.yaml', "'204': { description: Added }", "'204': { descripton: Added }", 'unknown-key'],
    [
      'pets.swagger.yaml',
      "schema: { $ref: '#/definitions/Pet' } }",
      "schema: { $ref: '#/definitions/Pat' } }",
      'unresolved-reference',
    ],
    ['lights.asyncapi.yaml', '    publish:', '    publsh:', 'unknown-key'],
    ['lights.asyncapi.yaml', 'info: { title: Lights,', 'info: { titel: Lights,', 'unknown-key'],
    [
      'lights.asyncapi.yaml',
      "message: { $ref: '#/components/messages/measured' }",
      "message: { $ref: '#/components/messages/gone' }",
      'unresolved-reference',
    ],
    ['trip.arazzo.yaml', '        operationId: buyFlight', '        operationId: byFlight', 'unknown-name'],
    ['trip.arazzo.yaml', 'stepId: buy }', 'stepId: by }', 'unknown-name'],
    ['trip.arazzo.yaml', 'type: goto', 'type: gto', 'unknown-value'],
    ['trip.arazzo.yaml', 'workflowId: book', 'workflowID: book', 'unknown-key'],
    ['trip.arazzo.yaml', 'stepId: buy\n', 'stepId: find\n', 'duplicate-name'],
  ])('%s: %s → %s', async (name, from, to, id) => {
    const { findings, line } = await changed(name, from, to)
    const errors = findings.filter(({ severity }) => severity === 'error')
    expect(errors.map((one) => `${one.line} ${one.id}`)).toContain(`${line} ${id}`)
    for (const { message, suggestion } of errors)
      expect(`${message} ${suggestion}`).not.toMatch(/undefined|\[object|NaN/)
  })
})

test('Arazzo: a good one has nothing against it', async () => {
  const { findings } = await checkDocuments([join(folder, 'trip.arazzo.yaml')], { env: {} })
  expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([])
})

describe('what only the official schemas know', () => {
  test.each([
    [
      'flights.openapi.yaml',
      "'200': { description: Flights }",
      "'200': { description: Flights, links: { a: { operationId: findFlight, operationRef: '#/x' } } }",
    ],
  ])('%s: %s', async (name, from, to) => {
    const { findings, line } = await changed(name, from, to)
    expect(findings.filter(({ severity }) => severity === 'error').map((one) => one.line)).toContain(line)
  })
})

describe('what is valid is not rejected', () => {
  test.each([
    [
      'an address that is null',
      'asyncapi: 3.0.0\ninfo: { title: A, version: 1.0.0 }\nchannels: { a: { address: null, messages: { m: { payload: true } } } }\noperations: { hear: { action: receive, channel: { $ref: "#/channels/a" } } }\n',
    ],
    [
      'unknown keywords, boolean schemas, style: cookie',
      'openapi: 3.2.0\ninfo: { title: A, version: 1.0.0 }\npaths:\n  /a:\n    get:\n      operationId: a\n      parameters: [{ name: s, in: cookie, style: cookie, schema: { type: string, madeUpKeyword: 1 } }]\n      responses: { "200": { description: A, content: { application/json: { schema: true } } } }\n',
    ],
    [
      'traits',
      'asyncapi: 3.0.0\ninfo: { title: A, version: 1.0.0 }\nchannels: { a: { address: a, messages: { m: { traits: [{ name: said }], payload: { type: object } } } } }\noperations: { hear: { action: receive, channel: { $ref: "#/channels/a" }, traits: [{ summary: Heard }] } }\n',
    ],
  ])('%s', async (_name, text) => {
    const dir = mkdtempSync(join(tmpdir(), 'spandrel-valid-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    writeFileSync(join(dir, 'a.yaml'), text)
    const { system, findings } = await checkDocuments([join(dir, 'a.yaml')], { env: {} })
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(system).toBeDefined()
  })
})
