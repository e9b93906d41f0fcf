/**
 * Every public document that stands beside the repository, and one of ours with what they lack: the gateway starts on
 * each and answers each operation. GitHub's own are in public-documents.long.test.ts.
 */
import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { askEveryOperation } from './every-operation.ts'
import { onCleanup } from './servers.ts'

const corpus = fileURLToPath(new URL('../../../../shared/corpus', import.meta.url))

if (!existsSync(corpus)) console.log('corpus: absent (../shared/corpus), no public documents asked')

test.skipIf(!existsSync(corpus))('every operation of every document of the corpus is answered', async () => {
  const documents = globSync(join(corpus, '{asyncapi,openapi,arazzo}/**/*.{yml,yaml,json}')).toSorted()
  const missing: string[] = []
  const faults: string[] = []
  let operations = 0
  let bodies = 0
  for (const document of documents) {
    const outcome = await askEveryOperation(document)
    const name = relative(corpus, document)
    for (const one of outcome.declared) if (!outcome.answered.includes(one)) missing.push(`${name}: ${one}`)
    for (const fault of outcome.faults) faults.push(`${name}: ${fault}`)
    operations += outcome.answered.length
    bodies += outcome.bodies
  }
  console.log(`corpus: ${documents.length} documents, ${operations} operations answered, ${bodies} with a body`)
  expect(faults).toEqual([])
  expect(missing).toEqual([])
  expect(documents.length).toBeGreaterThan(45)
  expect(operations).toBeGreaterThan(70)
})

const text = { schema: { type: 'string' } }
const list = { type: 'array', items: { type: 'integer' } }
const record = { type: 'object', required: ['a'], properties: { a: { type: 'integer' }, b: { type: 'string' } } }

function operation(more: object = {}): object {
  return { responses: { '200': { description: 'fine' } }, ...more }
}

function inPath(name: string, more: object = {}): object {
  return { name, in: 'path', required: true, ...text, ...more }
}

function body(contentType: string, schema?: object): object {
  return { requestBody: { required: true, content: { [contentType]: schema === undefined ? {} : { schema } } } }
}

/** What a path of a real document can look like: names, where each is declared, and what stands beside it. */
const paths: Record<string, Record<string, object>> = {
  '/': { get: operation() },
  '/a': { get: operation() },
  '/a/': { get: operation() },
  '/a/b': { get: operation() },
  '/a/{x}': { get: operation({ parameters: [inPath('x')] }) },
  '/a/{x}/c': { get: operation({ parameters: [inPath('x')] }) },
  '/a/b/{y}': { get: operation({ parameters: [inPath('y')] }) },
  '/v1/{name}:cancel': { post: operation({ parameters: [inPath('name')] }) },
  '/v1/{name}': { post: operation({ parameters: [inPath('name')] }) },
  '/v1/jobs:batch': { post: operation() },
  '/files/{path}.json': { get: operation({ parameters: [inPath('path')] }) },
  '/files/{path}.{extension}': { get: operation({ parameters: [inPath('path'), inPath('extension')] }) },
  '/range/{from}-{to}': { get: operation({ parameters: [inPath('from'), inPath('to')] }) },
  "/OData/People('{id}')": { get: operation({ parameters: [inPath('id')] }) },
  '/OData/People({key})/$value': { get: operation({ parameters: [inPath('key')] }) },
  '/star/*': { get: operation() },
  '/with%20escape/x': { get: operation() },
  '/with space': { get: operation() },
  '/größe': { get: operation() },
  '/{id}/any': { get: operation({ parameters: [inPath('id')] }) },
  '/everything': Object.fromEntries(
    ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query'].map((method) => [
      method,
      operation(),
    ]),
  ),
  '/more': { additionalOperations: { COPY: operation(), LINK: operation(), PURGE: operation() } },
  '/styles/{simple}/{exploded}/{label}/{matrix}/{matrices}': {
    get: operation({
      parameters: [
        inPath('simple', { schema: list }),
        inPath('exploded', { schema: record, explode: true }),
        inPath('label', { schema: list, style: 'label', explode: true }),
        inPath('matrix', { schema: record, style: 'matrix' }),
        inPath('matrices', { schema: list, style: 'matrix', explode: true }),
        { name: 'form', in: 'query', schema: list },
        { name: 'joined', in: 'query', schema: list, explode: false },
        { name: 'spaced', in: 'query', schema: list, style: 'spaceDelimited', explode: false },
        { name: 'piped', in: 'query', schema: list, style: 'pipeDelimited', explode: false },
        { name: 'deep', in: 'query', schema: record, style: 'deepObject', explode: true },
        { name: 'record', in: 'query', schema: record, explode: false },
        { name: 'json', in: 'query', content: { 'application/json': { schema: record } } },
        { name: 'either', in: 'query', schema: { oneOf: [{ type: 'string' }, { ...list, minItems: 2 }] } },
        { name: 'X-List', in: 'header', schema: list },
        { name: 'X-Record', in: 'header', schema: record, explode: true },
        { name: 'session', in: 'cookie', ...text },
      ],
    }),
  },
  '/form': { post: operation(body('application/x-www-form-urlencoded', record)) },
  '/parts': {
    post: operation(body('multipart/form-data', { type: 'object', properties: { file: { type: 'string' } } })),
  },
  '/bytes': { put: operation(body('application/octet-stream')) },
  '/any': { put: operation(body('*/*')) },
  '/image': { put: operation(body('image/*')) },
  '/text': { put: operation(body('text/plain', { type: 'string' })) },
  '/xml': { put: operation(body('application/xml', record)) },
  '/patch': { patch: operation(body('application/merge-patch+json', record)) },
  '/lines': { post: operation(body('application/jsonl')) },
  '/search': { get: operation(body('application/json', record)), delete: operation(body('application/json', record)) },
  '/basic': { get: operation({ security: [{ basic: [] }] }) },
  '/certificate': { get: operation({ security: [{ certificate: [] }] }) },
  '/token': { get: operation({ security: [{ oauth: ['read', 'write'] }] }) },
  '/keys': { get: operation({ security: [{ header: [], query: [], cookie: [] }] }) },
}

const hard = {
  openapi: '3.2.0',
  info: { title: 'Hard', version: '1.0.0' },
  paths,
  components: {
    securitySchemes: {
      basic: { type: 'http', scheme: 'basic' },
      certificate: { type: 'mutualTLS' },
      oauth: {
        type: 'oauth2',
        flows: { clientCredentials: { tokenUrl: 'https://id.example/token', scopes: { read: '', write: '' } } },
      },
      header: { type: 'apiKey', in: 'header', name: 'X-Key' },
      query: { type: 'apiKey', in: 'query', name: 'key' },
      cookie: { type: 'apiKey', in: 'cookie', name: 'key' },
    },
  },
}

test('methods, paths, styles, bodies and schemes that the corpus lacks', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-hard-'))
  onCleanup(() => rm(dir, { recursive: true }))
  const document = join(dir, 'hard.openapi.json')
  await writeFile(document, JSON.stringify(hard))
  const { declared, answered, faults, bodies, parameters } = await askEveryOperation(document)
  console.log(`hard: ${answered.length} of ${declared.length} operations, ${bodies} bodies, ${parameters} parameters`)
  expect(faults).toEqual([])
  expect(declared.filter((one) => !answered.includes(one))).toEqual([])
  expect(declared.length).toBeGreaterThan(45)
})
