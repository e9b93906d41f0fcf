/** Whole generated files: what is in them, and that they compile and run as they are. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateService } from './generate.ts'
import { operation, parameter, schemaAt, service, system } from '../../test/generate/model-fixture.ts'
import { placeOrder, PROBLEM, shop } from '../../test/generate/shop-fixture.ts'
import { STRICTEST, typeScriptProject, type TypeScriptProject } from '../../test/generate/typescript-project.ts'

let project: TypeScriptProject
beforeAll(async () => {
  project = await typeScriptProject()
})
afterAll(() => project[Symbol.asyncDispose]())

describe('the generated file', () => {
  test('compiles under the strictest options, and with exactOptionalPropertyTypes off', async () => {
    const text = generateService(shop(), 'orders')
    await project.write({ 'src/orders.contract.ts': text, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(
      await project.typeCheck({ ...STRICTEST, exactOptionalPropertyTypes: false, noUncheckedIndexedAccess: false }),
    ).toEqual([])
    expect(text).not.toMatch(/@ts-(?:nocheck|ignore|expect-error)|\beval\b|new Function/)
  })

  test('runs under Node as it is', async () => {
    await project.write({ 'src/orders.contract.ts': generateService(shop(), 'orders') })
    const script = `
      const { orders, paymentsClient } = await import('./src/orders.contract.ts')
      const { validate } = orders.sends.orderPlaced
      console.log(JSON.stringify([validate({ lines: [{ sku: 'a' }] }), validate({ lines: [{}] }), validate.errors[0].instancePath, typeof paymentsClient({ baseUrl: '' }).capture]))`
    const node = join(import.meta.dirname, '../../../../node_modules/.bin/node')
    const run = promisify(execFile)(
      node,
      ['--conditions=spandrel-source', '--disallow-code-generation-from-strings', '--input-type=module', '-e', script],
      { cwd: project.dir },
    )
    expect(JSON.parse((await run).stdout)).toEqual([true, false, '/lines/0', 'function'])
  })

  test('imports the runtime for types and validation, and nothing else', () => {
    const imports = generateService(shop(), 'orders').matchAll(/from '([^']+)'/g)
    expect(new Set(imports.map((found) => found[1]))).toEqual(new Set(['@spandrel/runtime/validation']))
  })

  test('is the same text each time, whatever the order in which objects were made', () => {
    const first = generateService(shop(), 'orders')
    expect(generateService(shop(), 'orders')).toBe(first)
    expect(generateService(structuredClone(shop()), 'orders')).toBe(first)
  })

  test('names no machine', () => {
    expect(generateService(shop(), 'orders')).not.toContain('/system/')
  })
})

describe('bodies and answers', () => {
  test('text and bytes, several media types, headers, optional bodies', async () => {
    const location = placeOrder.location
    const media = (contentType: string, schema?: object) => ({
      contentType,
      json: contentType.includes('json'),
      ...(schema === undefined ? {} : { schema: schemaAt({ ...schema }) }),
    })
    const header = (name: string, required: boolean) => ({ name, required, schema: schemaAt({ type: 'integer' }) })
    const upload = operation('upload', 'PUT', '/files', {
      more: {
        requestBody: {
          required: false,
          location,
          content: [
            media('application/json', { type: 'string' }),
            media('application/merge-patch+json', { type: 'number' }),
            media('text/plain'),
          ],
        },
        responses: {
          200: { status: '200', headers: [], location, content: [media('text/csv')] },
          201: {
            status: '201',
            headers: [header('Location', true), header('Retry-After', false)],
            location,
            content: [media('application/pdf')],
          },
          206: { status: '206', headers: [], location, content: [media('application/json')] },
          '2XX': { status: '2XX', headers: [], location, content: [] },
          '5XX': { status: '5XX', headers: [], location, content: [] },
          default: { status: 'default', headers: [], location, content: [media('application/problem+json', PROBLEM)] },
        },
      },
    })
    const source = generateService(
      system('shop', [service('files', { operations: [upload], uses: { 'files.upload': upload } })]),
      'files',
    )
    await project.write({ 'src/orders.contract.ts': source, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(source).toContain('export type UploadBody = string | number\n')
    expect(source).toContain(`{ status: 200; headers?: Record<string, string>; body: string }`)
    expect(source).toContain(
      `{ status: 201; headers: { location: string; 'retry-after'?: string } & Record<string, string>; body: Uint8Array }`,
    )
    expect(source).toContain(`{ status: 206; headers?: Record<string, string>; body: unknown }`)
    expect(source).toContain(
      `{ status: Exclude<SuccessStatus, 200 | 201 | 206>; headers?: Record<string, string>; body?: undefined }`,
    )
    expect(source).toContain(`{ status: Exclude<HttpStatus, 200 | 201 | 206 | SuccessStatus | ServerErrorStatus>`)
    expect(source).toContain(`contentTypes: ['application/json', 'application/merge-patch+json', 'text/plain']`)
    expect(source).toContain(`'201': { contentType: 'application/pdf', headers: ['location', 'retry-after'] }`)
  })
})

test('what services cannot do yet is said, with its place', () => {
  const search = operation('search', 'GET', '/x', { parameters: [parameter('q', 'querystring', { type: 'object' })] })
  const asked = (): string => generateService(system('shop', [service('files', { operations: [search] })]), 'files')
  expect(asked).toThrow('/system/spandrel.yaml:1:1: search takes its whole query as one parameter (`in: querystring`)')
})

test('a whole file, to be read', async () => {
  await expect(generateService(shop(), 'orders')).toMatchFileSnapshot(
    join(import.meta.dirname, 'fixtures/orders.contract.golden'),
  )
})
