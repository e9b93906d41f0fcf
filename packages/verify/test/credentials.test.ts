/** Credentials are sent, and are in no history, page or script; a script takes them from the environment. */
import { execFile } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parseHistory } from '../src/history/history.ts'
import { Secrets } from '../src/history/secrets.ts'
import { judge } from '../src/judge/judge.ts'
import { curlScript } from '../src/report/curl-script.ts'
import { htmlReport } from '../src/report/html.ts'
import { profiles } from '../src/run/profile.ts'
import { run } from '../src/run/run.ts'
import { planOf } from './attack-server.ts'
import { folderWith, serve } from './serve.ts'

const document = `openapi: 3.1.0
info: { title: Notes, version: 1.0.0 }
security: []
paths:
  /notes:
    post:
      operationId: addNote
      x-guarantees: { idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: P1D } }
      x-probe:
        marker: $request.body#/name
        read: { operation: listNotes, parameters: { name: $marker } }
        count: $response.body#/total
        settles: PT0.1S
        example: { name: probe }
      parameters:
        - { name: Idempotency-Key, in: header, required: true, schema: { type: string } }
        - { name: api_key, in: query, required: true, schema: { type: string, default: SECRET-three } }
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { '201': { description: written } }
    get:
      operationId: listNotes
      parameters: [{ name: name, in: query, required: true, schema: { type: string } }]
      responses: { '200': { description: how many } }
`

test('what --caller and --tenant give is sent and not kept', { timeout: 60_000 }, async () => {
  const folder = await folderWith({ 'notes.openapi.yaml': document })
  const notes: string[] = []
  const callers = new Set<string>()
  // It ignores the key: there is something to show.
  const url = await serve((request, response) => {
    callers.add(request.headers.authorization ?? String(request.headers['x-own']))
    let body = ''
    request
      .setEncoding('utf8')
      .on('data', (chunk: string) => (body += chunk))
      .on('end', () => {
        if (request.method === 'POST' && !body.endsWith('}')) return void response.writeHead(400).end()
        if (request.method === 'POST') {
          notes.push((JSON.parse(body) as { name: string }).name)
          // It says too much.
          const echoed = `you are ${request.headers.authorization}, or ${request.headers.authorization?.slice(7)}`
          response.writeHead(201, { 'set-cookie': ['session=SECRET-four; Path=/', 'other=SECRET-five; HttpOnly'] })
          response.end(JSON.stringify({ echoed, again: 'nothing' }))
          return
        }
        const name = new URL(request.url ?? '', 'http://localhost').searchParams.get('name')
        response.end(JSON.stringify({ total: notes.filter((one) => one === name).length }))
      })
  })
  const file = join(folder, 'run.jsonl')
  // Somebody's from before, that everybody may read.
  await writeFile(file, 'old', { mode: 0o644 })
  const { records } = await run({
    plan: await planOf(join(folder, 'notes.openapi.yaml')),
    instances: [url],
    callers: [[['Authorization', 'Bearer SECRET-one']], [['X-Own', 'SECRET-two']]],
    profile: profiles.quick,
    file,
  })
  expect(callers).toEqual(new Set(['Bearer SECRET-one', 'SECRET-two']))
  const text = await readFile(file, 'utf8')
  // What the contract itself says is no secret.
  const said = text.split('\n').slice(1).join('\n')
  expect(said).not.toContain('SECRET')
  expect(said).toContain('you are {{AUTHORIZATION}}, or {{AUTHORIZATION}}')
  expect(said).toContain('session={{SET_COOKIE}}; Path=/, other={{SET_COOKIE}}; HttpOnly')
  expect(said).toContain('?api_key={{QUERY_API_KEY}}')
  expect(text).toContain('{{AUTHORIZATION}}')
  expect(text).toContain('{{X_OWN}}')
  expect((await stat(file)).mode & 0o777).toBe(0o600)

  const again = parseHistory(text)
  const report = judge(again)
  expect(report).toEqual(judge(records))
  const failed = report.results.flatMap(({ checks }) => checks).find(({ verdict }) => verdict === 'FAIL')!
  const script = curlScript(again, failed, failed.counterexamples[0]!)!
  expect(script).toContain(`export AUTHORIZATION='…'`)
  expect(script).toContain(`export QUERY_API_KEY='…'   # the value in the query of the URL`)
  expect(script).toContain(`/notes?api_key='"$QUERY_API_KEY"''`)
  expect(script).toContain(`-H 'Authorization: '"$AUTHORIZATION"`)
  expect(htmlReport(report, again)).not.toContain('SECRET')

  await writeFile(join(folder, 'again.sh'), script)
  const bash = (env: NodeJS.ProcessEnv) =>
    promisify(execFile)('bash', [join(folder, 'again.sh')], { env: { PATH: process.env['PATH'], ...env } })
  await expect(bash({ QUERY_API_KEY: 'x' })).rejects.toThrow('AUTHORIZATION: set it first')
  callers.clear()
  const before = notes.length
  await bash({ AUTHORIZATION: 'Bearer from the environment', QUERY_API_KEY: 'of-a-query' })
  expect(notes.length).toBeGreaterThan(before)
  expect(callers).toEqual(new Set(['Bearer from the environment']))
})

test('what tells no secret stays as it is answered', () => {
  const secrets = new Secrets([
    [
      ['X-Tenant', 'tenant-0001'],
      ['Accept', 'application/json'],
      ['X-Api-Key', 'key-0000001'],
    ],
  ])
  const answer = { type: 'ok', id: 'r1', at: 1, status: 200, headers: { 'content-type': 'application/json' } } as const
  const body = '{"tenant":"tenant-0001","own":"key-0000001","longer":"key-00000012"}'
  expect(secrets.clean({ ...answer, body })).toEqual({
    ...answer,
    body: '{"tenant":"tenant-0001","own":"{{X_API_KEY}}","longer":"key-00000012"}',
  })
})

test('an older history has them in plain; its scripts have not', () => {
  const headers = [
    ['Cookie', 'a'],
    ['cookie', 'b'],
    ['Path', 'c'],
    ['X-Api-Key', 'd'],
  ] as const
  expect(new Secrets().mask(headers).map(([, value]) => value)).toEqual([
    '{{COOKIE}}',
    '{{COOKIE_2}}',
    'c',
    '{{X_API_KEY}}',
  ])
  const own = new Secrets([[['Path', 'c']]])
  expect(own.mask(headers)[2]).toEqual(['Path', '{{HEADER_PATH}}'])
  expect(own.mask(own.mask(headers))).toEqual(own.mask(headers))
})
