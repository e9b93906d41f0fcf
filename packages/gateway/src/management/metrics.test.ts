import { expect, test } from 'vitest'
import { parsePrometheus } from '../../test/prometheus-text.ts'
import { ask, closedPort, gateway, service } from '../../test/servers.ts'
import { system } from '../../test/system.ts'

test('every line is what Prometheus reads, whatever operations are called and services answer', async () => {
  let status = 200
  const one = await service((_request, response) => response.writeHead(status).end())
  const odd = 'a "name"\\ of\ntwo lines'
  const contracts = system({
    one: { url: one.url, operations: { [odd]: { path: '/odd' }, quiet: { path: '/quiet' } } },
    away: { url: `http://127.0.0.1:${await closedPort()}`, operations: { away: { path: '/away' } } },
  })
  const { gateway: edge, url } = await gateway({ system: contracts })
  await ask(`${url}/odd`)
  await ask(`${url}/away`)
  await edge.reload(contracts)
  await edge.reload(system({ a: { operations: { b: { path: '/' } } } }))

  const metrics = parsePrometheus(edge.metrics())
  const valueOf = (name: string, labels: Record<string, string> = {}): number | undefined =>
    metrics
      .get(name.replace(/_(?:bucket|sum|count)$/, ''))
      ?.samples.find(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )?.value
  expect(valueOf('spandrel_gateway_requests_total', { operation: odd, status: '200' })).toBe(1)
  expect(valueOf('spandrel_gateway_requests_total', { operation: 'away', status: '503' })).toBe(1)
  expect(valueOf('spandrel_gateway_service_failures_total', { service: 'away', kind: 'connect' })).toBe(1)
  expect(valueOf('spandrel_gateway_request_duration_seconds_count', { operation: odd })).toBe(1)
  expect(valueOf('spandrel_gateway_request_duration_seconds_bucket', { operation: odd, le: '30' })).toBe(1)
  expect(valueOf('spandrel_gateway_reloads_total', { outcome: 'loaded' })).toBe(1)
  expect(valueOf('spandrel_gateway_reloads_total', { outcome: 'refused' })).toBe(1)
  const loaded = valueOf('spandrel_gateway_contracts_loaded_seconds') ?? 0
  expect(Math.abs(Date.now() / 1000 - loaded)).toBeLessThan(60)
  // Nobody has asked for it: it takes no room.
  expect(edge.metrics()).not.toContain('quiet')

  // Whatever clients and services send, there are no more series.
  const series = (): number => [...parsePrometheus(edge.metrics()).values()].flatMap(({ samples }) => samples).length
  for (status of [299, 404, 599, 600, 999]) await ask(`${url}/odd`)
  const before = series()
  for (const method of ['PROPFIND', 'PUT', 'LOCK']) {
    for (let index = 0; index < 10; index++) await ask(`${url}/guess/${index}?${index}`, { method })
  }
  for (let index = 0; index < 10; index++) {
    status = 610 + index
    await ask(`${url}/odd`, { headers: { 'correlation-id': `c-${index}` } })
  }
  // The one of requests that no operation takes (404), with its histogram.
  expect(series() - before).toBeLessThanOrEqual(16)
  expect(edge.metrics()).not.toMatch(/status="[6-9]/)
})

test.each([
  ['# TYPE a_total counter\na_total 1\n', 'typed before'],
  ['# HELP a x\n# TYPE a gauge\na{b="c} 1\n', 'no labels'],
  ['# HELP a x\n# TYPE a gauge\na{b="\\x"} 1\n', 'no labels'],
  ['# HELP a x\n# TYPE a gauge\na 1\na 2\n', 'a series twice'],
  ['# HELP a x\n# TYPE a counter\na 1\n', '_total'],
  ['# HELP a x\n# TYPE a gauge\nb 1\n', 'not in the group'],
  ['# HELP a x\n# TYPE a gauge\na 1', 'no end'],
  ['# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n', 'add up'],
  ['# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n', 'no +Inf'],
])('the reader is strict: %j', (text, fault) => {
  expect(() => parsePrometheus(text)).toThrow(fault)
})
