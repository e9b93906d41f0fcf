/** What a run made is removed again by `x-probe.cleanup`, also when it is stopped; where it is not, the report says so. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { History } from '../src/history/history.ts'
import { judge } from '../src/judge/judge.ts'
import { reportLines } from '../src/report/table.ts'
import { cleanUp } from '../src/run/clean-up.ts'
import { profiles } from '../src/run/profile.ts'
import { run } from '../src/run/run.ts'
import { planOf } from './attack-server.ts'

const document = (cleanup: string): string => `openapi: 3.1.0
info: { title: Notes, version: 1.0.0 }
security: []
paths:
  /notes/{name}:
    put:
      operationId: writeNote
      x-probe:
        marker: $request.path.name
        read: { operation: listNotes, parameters: { name: $marker } }
        count: $response.body#/total
        settles: PT0.1S
        example: { text: hello }
        ${cleanup}
      parameters: [{ name: name, in: path, required: true, schema: { type: string } }]
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { '200': { description: written } }
    delete:
      operationId: forgetNote
      parameters: [{ name: name, in: path, required: true, schema: { type: string } }]
      responses: { '204': { description: gone } }
  /notes:
    get:
      operationId: listNotes
      parameters: [{ name: name, in: query, required: true, schema: { type: string } }]
      responses: { '200': { description: how many } }
`

let folder: string
let server: Server
let url: string
let refuses = false
/** called with each note */
let written: (() => void) | undefined
const notes = new Set(['mine'])
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verify-clean-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  notes.clear()
  notes.add('mine')
  refuses = false
  server = createServer((request, response) => {
    const at = new URL(request.url ?? '/', 'http://localhost')
    const name = at.searchParams.get('name') ?? at.pathname.split('/')[2] ?? ''
    request.resume().once('end', () => {
      if (request.method === 'PUT') {
        notes.add(name)
        written?.()
      }
      if (request.method === 'DELETE' && refuses) return response.writeHead(403).end()
      if (request.method === 'DELETE') return response.writeHead(notes.delete(name) ? 204 : 404).end()
      return response.end(JSON.stringify({ total: notes.has(name) ? 1 : 0 }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function planWith(cleanup: string) {
  const file = join(folder, 'notes.yaml')
  await writeFile(file, document(cleanup))
  return await planOf(file, ['writeNote'])
}

const declared = 'cleanup: { operation: forgetNote, parameters: { name: $marker } }'
const nothing = (_: string, text: string): string => text

test('what was made is removed, and nothing else', async () => {
  const history = await run({ plan: await planWith(declared), instances: [url], profile: profiles.quick })
  const [cleanup] = judge(history.records).cleanup
  expect(cleanup?.markers).toBeGreaterThan(5)
  expect(cleanup?.cleaned).toBe(cleanup?.markers)
  expect([...notes]).toEqual(['mine'])
  expect(reportLines(judge(history.records), nothing).join('\n')).not.toContain('Left behind')
})

test.each([
  ['', 'its x-probe has no `cleanup`'],
  ['cleanup: { operation: forgetNote, parameters: { name: all } }', '`cleanup` of x-probe does not name `$marker`'],
  ['cleanup: { operation: forgetAll, parameters: { name: $marker } }', 'is no HTTP operation of this service'],
])('not removed, and said: %s', async (cleanup, why) => {
  const history = await run({ plan: await planWith(cleanup), instances: [url], profile: profiles.quick })
  expect(reportLines(judge(history.records), nothing).join('\n')).toContain(why)
  expect(notes.size).toBeGreaterThan(5)
})

test('refused, and said', async () => {
  refuses = true
  const history = await run({ plan: await planWith(declared), instances: [url], profile: profiles.quick })
  expect(judge(history.records).cleanup[0]).toMatchObject({ cleaned: 0, why: 'it was answered 403' })
})

test('cleaning up ends with its time, and what is left is said', async () => {
  const history = await run({ plan: await planWith(''), instances: [url], profile: profiles.quick })
  const { operations } = await planWith(declared)
  const made = notes.size
  await cleanUp(history, operations, url, [], { name: 'quick', serviceMs: 0 })
  expect(notes.size).toBe(made)
  expect(history.records.at(-1)).toMatchObject({
    type: 'cleanup',
    cleaned: 0,
    why: 'the 0 s that `quick` gives to cleaning up were over',
  })
  await cleanUp(history, operations, url, [], profiles.quick)
  expect([...notes]).toEqual(['mine'])
})

test.each(['one effect', 'burst', 'waiting'])(
  'stopped while it says “%s”: it cleans up all the same',
  async (phase) => {
    const stop = new AbortController()
    let made = 0
    const ended = run({
      plan: await planWith(declared),
      instances: [url],
      profile: profiles.quick,
      signal: stop.signal,
      onProgress(words) {
        if (!words.includes(phase)) return
        const abort = (): void => {
          written = undefined
          made = notes.size
          stop.abort()
        }
        // Nothing more is written while effects settle.
        if (phase === 'waiting') setImmediate(abort)
        else written = abort
      },
    })
    await expect(ended).rejects.toThrow(/abort/i)
    expect(made).toBeGreaterThan(1)
    expect([...notes]).toEqual(['mine'])
  },
)

test('a disk that is full ends the history, not the run', () => {
  const history = new History('/dev/full')
  history.add({ type: 'lag', at: 1, ms: 1 })
  expect(history.records).toHaveLength(1)
  expect(history.fault).toContain('ENOSPC')
})
