import { request as httpRequest } from 'node:http'
import type { Finding, System } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { ask, gateway, post, service, until } from '../test/servers.ts'
import { type OperationSketch, system } from '../test/system.ts'

const token = 'management'
const authorization = { authorization: `Bearer ${token}` }

function one(url: string, operations: Record<string, OperationSketch>): System {
  return system({ one: { url, operations } })
}

const get1 = { get: { path: '/x' } }

test('new requests meet the new contracts; numbers of operations go on', async () => {
  const { url: upstream } = await service()
  const { gateway: edge, url } = await gateway({ system: one(upstream, { ...get1, old: { path: '/old' } }) })
  await ask(`${url}/x`)
  await ask(`${url}/old`)
  const before = edge.health().contracts
  const outcome = await edge.reload(one(upstream, { ...get1, next: { path: '/next' } }))
  expect(outcome).toMatchObject({
    loaded: true,
    contracts: { reloads: 1, lastFailure: null, services: { one: '1.0.0' } },
  })
  expect(outcome.contracts.version).not.toBe(before.version)
  expect(edge.health().contracts).toEqual(outcome.contracts)
  expect((await ask(`${url}/x`)).status).toBe(200)
  expect((await ask(`${url}/next`)).status).toBe(200)
  expect((await ask(`${url}/old`)).status).toBe(404)
  expect(edge.metrics()).toContain('spandrel_gateway_requests_total{service="one",operation="get",status="200"} 2\n')
  expect(edge.metrics()).not.toContain('operation="old"')
  expect(edge.metrics()).toContain('spandrel_gateway_reloads_total{outcome="loaded"} 1\n')
  // What is served makes the version, not when or from where it was read.
  expect((await edge.reload(one('http://127.0.0.1:1', { ...get1, next: { path: '/next' } }))).contracts.version).toBe(
    outcome.contracts.version,
  )
})

test('connections to a service whose URL is unchanged are kept; those of another are closed', async () => {
  const stays = await service()
  const goes = await service()
  const comes = await service()
  const at = (url: string): System =>
    system({
      stays: { url: stays.url, operations: { stays: { path: '/stays' } } },
      moves: { url, operations: { moves: { path: '/moves' } } },
    })
  const { gateway: edge, url } = await gateway({ system: at(goes.url) })
  await ask(`${url}/stays`)
  await ask(`${url}/moves`)
  let open = 0
  goes.server.getConnections((_error, count) => (open = count))
  await until(() => open === 1)
  await edge.reload(at(comes.url))
  await ask(`${url}/stays`)
  await ask(`${url}/moves`)
  expect([stays.connections(), comes.connections()]).toEqual([1, 1])
  expect([stays, goes, comes].map(({ seen }) => seen.length)).toEqual([2, 1, 1])
  await until(() => {
    goes.server.getConnections((_error, count) => (open = count))
    return open === 0
  })
})

test('what has begun is finished by the old contracts, at the old place', async () => {
  const waiting: (() => void)[] = []
  const old = await service((_request, response) => waiting.push(() => response.end('old')))
  const next = await service((_request, response) => response.end('next'))
  const body = { 'application/json': { type: 'object' } }
  const {
    gateway: edge,
    url,
    port,
  } = await gateway({
    system: one(old.url, { ...get1, post: { method: 'POST', path: '/x', body } }),
  })
  const sent = ask(`${url}/x`)
  await until(() => waiting.length === 1)
  // Matched by the old contracts, and not yet sent.
  const late = httpRequest({ port, method: 'POST', path: '/x', headers: { 'content-type': 'application/json' } })
  late.write('{')
  await until(() => edge.health().inFlight === 2)
  expect((await edge.reload(one(next.url, get1))).loaded).toBe(true)
  expect((await ask(`${url}/x`)).text).toBe('next')
  const answered = new Promise<number | undefined>((resolve) => {
    late.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
  })
  late.end('}')
  await until(() => waiting.length === 2)
  for (const answer of waiting) answer()
  expect((await sent).text).toBe('old')
  expect(await answered).toBe(200)
})

test('contracts with errors are refused, with findings in answer, health and log; the old ones go on', async () => {
  const { url: upstream } = await service()
  const finding: Finding = {
    id: 'unknown-key',
    severity: 'error',
    file: '/contracts/one.openapi.yaml',
    line: 7,
    column: 3,
    message: '`pahts` is not known',
    suggestion: 'did you mean `paths`?',
  }
  const results = [
    { findings: [{ ...finding, severity: 'warning' as const }, finding] },
    { system: one(upstream, { a: { path: '/x' }, b: { path: '/x' } }), findings: [] },
    { system: one(upstream, { next: { path: '/next' } }), findings: [] },
  ]
  const logged: object[] = []
  const ignore = (): void => {}
  const { url } = await gateway({
    system: one(upstream, get1),
    managementToken: token,
    logger: { debug: ignore, info: ignore, warn: ignore, error: (fields: object) => void logged.push(fields) },
    load: async () => {
      const result = results.shift()
      if (result === undefined) throw new Error('the disk is gone')
      return result
    },
  })
  const reload = (): ReturnType<typeof post> => post(`${url}/.spandrel/reload`, {}, authorization)
  const refused = await reload()
  const findings = [{ message: finding.message, at: '/contracts/one.openapi.yaml:7:3', suggestion: finding.suggestion }]
  expect(refused.status).toBe(422)
  expect(refused.headers['content-type']).toBe('application/problem+json')
  expect(refused.json()).toMatchObject({
    type: 'https://spandrel.dev/problems/contracts-refused',
    loaded: false,
    findings,
    contracts: { reloads: 0, lastFailure: { findings } },
  })
  expect(logged).toEqual([{ findings }])
  expect((await reload()).json()['findings']).toEqual([
    { message: expect.stringContaining('have the same route GET /x'), suggestion: expect.any(String) },
  ])
  expect((await ask(`${url}/x`)).status).toBe(200)
  const health = (await ask(`${url}/.spandrel/health`, { headers: authorization })).json()
  expect(health).toMatchObject({ ready: true, contracts: { lastFailure: { at: expect.any(Number) } } })

  expect((await reload()).json()).toMatchObject({ loaded: true, contracts: { reloads: 1, lastFailure: null } })
  expect((await ask(`${url}/next`)).status).toBe(200)
  expect((await reload()).json()['findings']).toEqual([{ message: 'the disk is gone' }])
  const { text } = await ask(`${url}/.spandrel/metrics`, { headers: authorization })
  expect(text).toContain('spandrel_gateway_reloads_total{outcome="loaded"} 1\n')
  expect(text).toContain('spandrel_gateway_reloads_total{outcome="refused"} 3\n')
})

test('only who has the token may reload, and only by POST', async () => {
  const { url: upstream } = await service()
  let loads = 0
  const options = {
    system: one(upstream, get1),
    load: async () => ({ system: one(upstream, { ...get1, [`n${loads++}`]: { path: '/n' } }), findings: [] }),
  }
  const open = await gateway(options)
  expect((await post(`${open.url}/.spandrel/reload`, {})).status).toBe(403)
  const { url } = await gateway({ ...options, managementToken: token })
  expect((await post(`${url}/.spandrel/reload`, {})).status).toBe(401)
  expect((await post(`${url}/.spandrel/reload`, {}, { authorization: 'Bearer other' })).status).toBe(401)
  const wrong = await ask(`${url}/.spandrel/reload`, { headers: authorization })
  expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST'])
  expect(loads).toBe(0)
  const blind = await gateway({ system: options.system, managementToken: token })
  expect((await post(`${blind.url}/.spandrel/reload`, {}, authorization)).status).toBe(404)
  expect((await post(`${url}/.spandrel/reload`, {}, authorization)).status).toBe(200)
  expect(loads).toBe(1)
})

test('reloads that are asked for at once happen one after the other; a gateway that stops has none', async () => {
  const { url: upstream } = await service()
  const { gateway: edge } = await gateway({ system: one(upstream, get1) })
  const all = await Promise.all([1, 2, 3].map((n) => edge.reload(one(upstream, { [`n${n}`]: { path: '/n' } }))))
  expect(all.map(({ contracts }) => contracts.reloads)).toEqual([1, 2, 3])
  const closed = edge.close()
  expect(await edge.reload(one(upstream, get1))).toMatchObject({
    loaded: false,
    findings: [{ message: 'the gateway is stopping' }],
  })
  await closed
})
