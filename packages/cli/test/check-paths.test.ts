/** What `check` makes of the paths it is given. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ran, spandrel } from './spandrel.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel paths-'))
  await mkdir(join(folder, 'api', 'deep'), { recursive: true })
  await mkdir(join(folder, 'empty'))
  await mkdir(join(folder, 'far/far/far/away'), { recursive: true })
  const openapi = (title: string): string =>
    `openapi: 3.1.0\ninfo: { title: ${title}, version: 1.0.0 }\npaths:\n  /a:\n    get: { operationId: a, responses: { '200': { description: ok } } }\n`
  await writeFile(join(folder, 'api', 'one.yaml'), openapi('One'))
  await writeFile(join(folder, 'api', 'deep', 'two.yaml'), openapi('Two'))
  await writeFile(join(folder, 'api', 'other.yaml'), 'not: a contract\n')
  // A link that leads back: following it would never end.
  await symlink(join(folder, 'api'), join(folder, 'api', 'deep', 'again'))
  await writeFile(join(folder, 'broken.yaml'), 'openapi: 3.1.0\ninfo: { title: X, version: 1.0.0 }\npaths: 5\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const check = (path: string, cwd = folder): Promise<Ran> => spandrel(['check', path], { cwd })

test('a folder stands for the contracts in it, links not followed', async () => {
  const { code, stdout } = await check('api')
  expect(stdout).toContain('2 services, 2 contracts: 2 operations')
  expect(code).toBe(0)
})

test('a folder without contracts: said, with its path', async () => {
  const { code, stderr } = await check(join(folder, 'empty'), tmpdir())
  expect(code).toBe(2)
  expect(stderr).toContain('has no spandrel.yaml, and no OpenAPI, AsyncAPI or Arazzo document')
  expect(stderr).not.toContain('../..')
})

test('a file far from here is named in full', async () => {
  const { code, stdout } = await check(join(folder, 'broken.yaml'), join(folder, 'far/far/far/away'))
  expect(code).toBe(1)
  expect(stdout).toContain(`${join(folder, 'broken.yaml')}:3:8  error`)
})

test('a path that leads nowhere: nothing could be checked', async () => {
  const { code, stderr } = await check('nothere.yaml')
  expect(stderr).toContain('there is no nothere.yaml')
  expect(code).toBe(2)
})

const flights = `openapi: 3.1.0
info: { title: Flights, version: 1.0.0 }
paths:
  /flights: { post: { operationId: buyFlight, responses: { '201': { description: bought } } } }
`
const trip = (step: string, url = './flights.openapi.yaml'): string => `arazzo: 1.0.1
info: { title: Trip, version: 1.0.0 }
sourceDescriptions: [{ name: flights, url: '${url}', type: openapi }]
workflows:
  - workflowId: book
    steps:
      - { stepId: buy, ${step} }
`

test('a workflow alone: checked, and what could not be seen is said', async () => {
  const dir = join(folder, 'trips')
  await mkdir(dir)
  await writeFile(join(dir, 'flights.openapi.yaml'), flights)
  const found = async (text: string): Promise<Ran> => {
    await writeFile(join(dir, 'trip.arazzo.yaml'), text)
    return check('trips/trip.arazzo.yaml')
  }
  for (const step of [
    'operationId: buyFlight',
    'operationId: $sourceDescriptions.flights.buyFlight',
    "operationPath: '{$sourceDescriptions.flights.url}#/paths/~1flights/post'",
  ]) {
    const { code, stdout } = await found(trip(step))
    expect({ step, code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('1 contract') as string })
    expect(stdout).toContain('0 guarantees, 1 workflow\n')
    expect(stdout).not.toContain('unseen-source')
  }
  for (const [step, message] of [
    ['operationId: byFlight', 'there is no operation `byFlight`'],
    ['operationId: $sourceDescriptions.flights.byFlight', 'there is no operation `byFlight`'],
    ['operationId: $sourceDescriptions.flight.buyFlight', 'there is no source description `flight`'],
    [
      "operationPath: '{$sourceDescriptions.flights.url}#/paths/~1flight/post'",
      'has nothing at `/paths/~1flight/post`',
    ],
  ] as const) {
    const { code, stdout } = await found(trip(step))
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining(message) as string })
    expect(stdout).toContain('trip.arazzo.yaml:7:')
  }
  for (const url of ['https://api.example.org/flights.yaml', './elsewhere/flights.yaml']) {
    const { code, stdout } = await found(trip('operationId: $sourceDescriptions.flights.byFlight', url))
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`\`${url}\` was not seen`) as string,
    })
    expect(stdout).toContain('trip.arazzo.yaml:3:')
  }
})

test('in a folder, a workflow is checked beside its contract', async () => {
  const { stdout } = await check('trips')
  expect(stdout).toContain('2 services, 2 contracts: 1 operation, 0 messages, 0 guarantees, 1 workflow')
})
