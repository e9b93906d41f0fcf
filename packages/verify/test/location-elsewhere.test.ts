/** Where an outcome can be asked for is the answer's word: a `Location` elsewhere is not asked, least of all with a caller's credentials. */
import { join } from 'node:path'
import { loadSystem } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { judge } from '../src/judge/judge.ts'
import { messageFacts } from '../src/plan/message-facts.ts'
import { planService } from '../src/plan/plan.ts'
import { profiles } from '../src/run/profile.ts'
import { run } from '../src/run/run.ts'
import { folderWith, serve } from './serve.ts'

const files = {
  'spandrel.yaml': `version: 1
system: prints
services:
  prints: { owner: team-prints, contracts: [prints.openapi.yaml] }
`,
  'prints.openapi.yaml': `openapi: 3.1.0
info: { title: Prints, version: 1.0.0 }
security: []
paths:
  /prints:
    post:
      operationId: askForPrint
      x-guarantees: { completion: { by: status, success: printed, within: PT0.5S } }
      x-probe:
        marker: $request.body#/name
        read: { operation: listPrints, parameters: { name: $marker } }
        count: $response.body#/total
        settles: PT0.1S
        example: { name: probe }
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { '202': { description: taken } }
    get:
      operationId: listPrints
      parameters: [{ name: name, in: query, schema: { type: string } }]
      responses: { '200': { description: how many, content: { application/json: { schema: { type: object } } } } }
`,
}

/** Attacks a service whose answers say `locationOf(elsewhere)`; correct, but for what it says when it is asked again. */
async function attacked(locationOf: (elsewhere: string) => string, later = { status: 200, state: 'printed' }) {
  const folder = await folderWith(files)
  const { system, findings } = await loadSystem(join(folder, 'spandrel.yaml'))
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  const strangers: (string | undefined)[] = []
  const elsewhere = await serve((request, response) => {
    strangers.push(request.headers.authorization)
    response.end('{"state":"printed"}')
  })
  const prints: string[] = []
  let states = 0
  const asked = new Set<string>()
  const url = await serve((request, response) => {
    const at = new URL(request.url ?? '', 'http://localhost')
    if (at.pathname.startsWith('/prints/')) {
      states++
      const again = asked.has(at.pathname)
      asked.add(at.pathname)
      const { status, state } = again ? later : { status: 200, state: 'printed' }
      response.writeHead(status).end(JSON.stringify({ state }))
      return
    }
    if (request.method !== 'POST') {
      const total = prints.filter((name) => name === at.searchParams.get('name')).length
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ total }))
      return
    }
    let body = ''
    request
      .setEncoding('utf8')
      .on('data', (chunk: string) => (body += chunk))
      .on('end', () => {
        if (!body.endsWith('}')) return void response.writeHead(400).end()
        prints.push((JSON.parse(body) as { name: string }).name)
        const location = locationOf(elsewhere).replace(/^\/prints\/1$/, `/prints/${prints.length}`)
        response.writeHead(202, { Location: location }).end()
      })
  })
  const service = system!.services['prints']!
  const { records } = await run({
    plan: planService(service),
    instances: [url],
    callers: [[['Authorization', 'Bearer of-a-caller']]],
    profile: profiles.quick,
    messages: { facts: messageFacts(service) },
  })
  expect(prints.length, 'it was attacked').toBeGreaterThan(0)
  const completion = judge(records).results.find(({ member }) => member === 'completion')
  return { completion, strangers, states }
}

test.each([
  ['another host and port', (elsewhere: string) => `${elsewhere}/prints/1`],
  ['the same in short', (elsewhere: string) => `${elsewhere.replace('http:', '')}/prints/1`],
])('%s is not asked: INCONCLUSIVE, with what to do', async (_, locationOf) => {
  const { completion, strangers } = await attacked(locationOf)
  expect(strangers).toEqual([])
  expect(completion?.verdict).toBe('INCONCLUSIVE')
  const notes = completion?.checks.flatMap((check) => check.notes).join('\n')
  expect(notes).toMatch(/Location http:\S+ is elsewhere than the service and was not asked: .*--url/)
})

test('a path is asked', async () => {
  const { completion, strangers, states } = await attacked(() => '/prints/1')
  expect(strangers).toEqual([])
  expect(states).toBeGreaterThan(0)
  expect(completion?.verdict).toBe('PASS')
})

test('an outcome that is taken back is FAIL', async () => {
  const { completion, states } = await attacked(() => '/prints/1', { status: 200, state: 'printing' })
  expect(states).toBeGreaterThan(1)
  const stays = completion?.checks.find(({ check }) => check === 'completes-once')
  expect(stays?.verdict).toBe('FAIL')
  expect(stays?.counterexamples[0]?.what).toBe('printed, and a moment later no outcome any more')
})

test('an outcome that cannot be asked for again is not known to stay', async () => {
  const { completion, states } = await attacked(() => '/prints/1', { status: 404, state: 'gone' })
  expect(states).toBeGreaterThan(1)
  const stays = completion?.checks.find(({ check }) => check === 'completes-once')
  expect(stays?.verdict).toBe('INCONCLUSIVE')
  expect(stays?.notes.join()).toMatch(/prints\/\d+ was answered 404/)
})

test('what is no URL is said', async () => {
  const { completion } = await attacked(() => 'http://[')
  expect(completion?.verdict).toBe('INCONCLUSIVE')
})
