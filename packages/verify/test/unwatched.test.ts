/** What verify cannot watch is declared all the same: the plan names it, and no report counts it as tested or passed. */
import { join } from 'node:path'
import { loadSystem } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { judge } from '../src/judge/judge.ts'
import { messageFacts } from '../src/plan/message-facts.ts'
import { planService } from '../src/plan/plan.ts'
import { reportLines } from '../src/report/table.ts'
import { profiles } from '../src/run/profile.ts'
import { run } from '../src/run/run.ts'
import { folderWith, serve } from './serve.ts'

const files = {
  'spandrel.yaml': `version: 1
system: prints
services:
  prints: { owner: team-prints, contracts: [prints.openapi.yaml, prints.asyncapi.yaml] }
`,
  'prints.openapi.yaml': `openapi: 3.1.0
info: { title: Prints, version: 1.0.0 }
security: []
paths:
  /prints:
    post:
      operationId: askForPrint
      x-guarantees: { completion: { by: stream, ref: listPrints, success: printed, within: PT5M } }
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
      x-guarantees: { push: { by: webhook, ref: tellListed } }
      parameters: [{ name: name, in: query, schema: { type: string } }]
      responses: { '200': { description: how many, content: { application/json: { schema: { type: object } } } } }
  /papers:
    post:
      operationId: orderPaper
      x-guarantees: { completion: { by: callback, ref: tellOrdered, success: ordered } }
      callbacks:
        ordered:
          'https://paper.example.com/{$request.body#/id}':
            post: { operationId: tellOrdered, responses: { '204': { description: thanks } } }
      responses: { '202': { description: taken } }
    get:
      operationId: listPapers
      x-guarantees: { push: { by: event, ref: prints.paperCame } }
      responses: { '200': { description: all there is } }
webhooks:
  listed:
    post: { operationId: tellListed, responses: { '204': { description: thanks } } }
`,
  'prints.asyncapi.yaml': `asyncapi: 3.0.0
info: { title: Prints, version: 1.0.0 }
channels:
  wanted: { address: prints.wanted, messages: { printWanted: { payload: { type: object } } } }
  papers: { address: prints.papers, messages: { paperCame: { payload: { type: object } } } }
operations:
  print:
    action: receive
    channel: { $ref: '#/channels/wanted' }
    reply: { address: { location: $message.header#/replyTo } }
    x-guarantees: { completion: { by: reply, success: printDone, within: PT5M } }
  askForPaper:
    action: send
    channel: { $ref: '#/channels/papers' }
    x-guarantees: { completion: { by: event, ref: prints.paperCame, success: paperCame } }
`,
}

const declared = [
  'prints.askForPrint completion',
  'prints.orderPaper completion',
  'prints.print completion',
  'prints.askForPaper completion',
  'prints.listPrints push',
  'prints.listPapers push',
]

async function loaded() {
  const folder = await folderWith(files)
  const { system, findings } = await loadSystem(join(folder, 'spandrel.yaml'))
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return system!.services['prints']!
}

test('the plan names it, with what would make it testable', async () => {
  const { unwatched } = messageFacts(await loaded())
  expect(unwatched.map(({ ref, member }) => `${ref} ${member}`)).toEqual(declared)
  const [stream, callback, reply, sent, webhook, push] = unwatched.map(({ why }) => why)
  expect(stream).toMatch(/by stream.*does not read.*`by: event`.*`by: status`/)
  expect(callback).toMatch(/`https:\/\/paper.example.com\/.*begins with a value of the request/)
  expect(reply).toMatch(/\$message.header#\/replyTo.*give `reply` a channel/)
  expect(sent).toMatch(/this service sends.*another's work/)
  expect(webhook).toMatch(/pushed by webhook.*`by: event`/)
  expect(push).toMatch(/`emits` in x-probe.*prints.papers/)
})

test('only what is asked for is named', async () => {
  const service = await loaded()
  expect(messageFacts(service, ['print']).unwatched.map(({ ref }) => ref)).toEqual(['prints.print'])
})

test('the report counts it as declared and not as tested, and says why', async () => {
  const prints: string[] = []
  const url = await serve((request, response) => {
    const asked = new URL(request.url ?? '', 'http://localhost').searchParams.get('name')
    const total = prints.filter((name) => name === asked).length
    if (request.method !== 'POST') {
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
        response.writeHead(202).end()
      })
  })
  const service = await loaded()
  const { records } = await run({
    plan: planService(service),
    instances: [url],
    profile: profiles.quick,
    messages: { facts: messageFacts(service) },
  })
  expect(prints.length, 'it was attacked').toBeGreaterThan(0)
  const report = judge(records)
  const out = report.results.filter(({ verdict }) => verdict === 'NOT TESTED')
  expect(out.map(({ ref, member }) => `${ref} ${member}`)).toEqual(expect.arrayContaining(declared))
  const others = report.results.filter(({ ref, member }) => !declared.includes(`${ref} ${member}`))
  const tested = others.filter(({ verdict }) => verdict !== 'NOT TESTED')
  expect(report.guarantees).toEqual({
    declared: others.length + declared.length,
    tested: tested.length,
    passed: tested.filter(({ verdict }) => verdict === 'PASS').length,
  })
  expect(tested.length).toBeGreaterThan(0)
  for (const { ref, member, checks, untested } of out.filter((one) => declared.includes(`${one.ref} ${one.member}`))) {
    expect(checks).toEqual([])
    expect(untested.length, `${ref} ${member}`).toBeGreaterThan(0)
  }
  const text = reportLines(report, (_, words) => words).join('\n')
  expect(text).toContain('NOT TESTED    prints.askForPrint  completion')
  expect(text).toContain('it completes by stream')
  expect(text).toContain('its reply goes to an address')
})
