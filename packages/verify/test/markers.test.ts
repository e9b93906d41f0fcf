/** A probe that looks for what contains the marker counts that marker, and no other of the run. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { attack, planOf } from './attack-server.ts'
import { folderWith, serve } from './serve.ts'

const document = `openapi: 3.1.0
info: { title: Notes, version: 1.0.0 }
security: []
paths:
  /notes/{name}:
    put:
      operationId: writeNote
      x-probe:
        marker: $request.path.name
        read: { operation: searchNotes, parameters: { text: $marker } }
        count: $response.body#/total
        settles: PT0.1S
        example: { text: hello }
      parameters: [{ name: name, in: path, required: true, schema: { type: string } }]
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { '200': { description: written } }
  /notes:
    get:
      operationId: searchNotes
      parameters: [{ name: text, in: query, required: true, schema: { type: string } }]
      responses: { '200': { description: how many } }
`

test('no marker of a run is part of another', async () => {
  const folder = await folderWith({ 'notes.openapi.yaml': document })
  const notes = new Set<string>()
  const url = await serve((request, response) => {
    const at = new URL(request.url ?? '/', 'http://localhost')
    const text = at.searchParams.get('text')
    if (request.method === 'PUT') notes.add(at.pathname)
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ total: text === null ? 1 : [...notes].filter((one) => one.includes(text)).length }))
    })
  })
  const plan = await planOf(join(folder, 'notes.openapi.yaml'))
  const { report, records } = await attack({ plan, instances: [url] })
  const markers = new Set(records.flatMap((one) => (one.type === 'invoke' ? [one.marker] : [])))
  expect(markers.size).toBeGreaterThan(10)
  for (const one of markers) expect([...markers].filter((other) => other.includes(one))).toEqual([one])
  const idempotency = report.results.find(({ member }) => member === 'idempotency')
  expect(idempotency?.verdict).toBe('PASS')
})
