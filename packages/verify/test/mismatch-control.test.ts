/** A 422 is only evidence of a fingerprint where the same body is taken with a key of its own. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { attack, planOf } from './attack-server.ts'
import { folderWith, serve } from './serve.ts'

const document = `openapi: 3.1.0
info: { title: Teas, version: 1.0.0 }
security: []
paths:
  /teas:
    post:
      operationId: orderTea
      x-guarantees:
        idempotency: { key: $request.header.Idempotency-Key, fingerprint: $request.body#/tea, scope: global, retention: P1D }
      x-probe:
        marker: $request.body#/name
        read: { operation: listTeas, parameters: { name: $marker } }
        count: $response.body#/total
        settles: PT0.1S
        example: { name: probe, tea: { sort: green } }
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties: { name: { type: string }, tea: { type: object, properties: { sort: { type: string } } } }
      responses: { '201': { description: ordered }, '422': { description: no such tea } }
    get:
      operationId: listTeas
      parameters: [{ name: name, in: query, required: true, schema: { type: string } }]
      responses: { '200': { description: how many } }
`

/** It knows no fingerprint at all. `sorts`: teas that it has, besides green. */
async function startTeas(sorts: RegExp): Promise<string> {
  const teas: string[] = []
  const known = new Set<string>()
  return await serve((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      if (request.method === 'GET') {
        const name = new URL(request.url ?? '', 'http://localhost').searchParams.get('name')
        return void response.end(JSON.stringify({ total: teas.filter((one) => one === name).length }))
      }
      const [, name, sort = ''] = /"name":\s*"([^"]*)".*"sort":\s*"([^"]*)"/s.exec(body) ?? []
      if (!body.trim().endsWith('}') || name === undefined) return void response.writeHead(400).end()
      if (sort !== 'green' && !sorts.test(sort)) return void response.writeHead(422).end()
      const key = String(request.headers['idempotency-key'])
      if (!known.has(key)) teas.push(name)
      known.add(key)
      response.writeHead(201).end()
    })
  })
}

async function mismatchOf(sorts: RegExp) {
  const folder = await folderWith({ 'teas.openapi.yaml': document })
  const { report } = await attack({
    plan: await planOf(join(folder, 'teas.openapi.yaml')),
    instances: [await startTeas(sorts)],
    callers: [],
  })
  return report.results.flatMap(({ checks }) => checks).find(({ check }) => check === 'mismatch')
}

test('a service that refuses the changed value under any key does not pass', async () => {
  const found = await mismatchOf(/^$/)
  expect(found?.verdict).toBe('INCONCLUSIVE')
  expect(found?.notes.join()).toMatch(/\/tea\/sort changed was refused \(422\), and with a key of its own .*\(422\)/)
})

test('one that takes it, and gives the first answer again, is failed', async () => {
  expect((await mismatchOf(/./))?.verdict).toBe('FAIL')
})
