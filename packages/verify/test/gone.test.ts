/** A request that ends the service is a counterexample of its own; what was shown before stays. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { reportLines } from '../src/report/table.ts'
import { attack, failures, planOf } from './attack-server.ts'

test('a client that goes ends the service: that check fails, and says so', { timeout: 60_000 }, async () => {
  const rows: string[] = []
  const server = createServer((request, response) => {
    const wanted = new URL(request.url ?? '/', 'http://host').searchParams.get('reference')
    let text = ''
    request.on('data', (chunk) => (text += String(chunk)))
    request.once('error', () => {
      server.close()
      server.closeAllConnections()
    })
    request.once('end', () => {
      if (request.method === 'POST') {
        try {
          rows.push((JSON.parse(text) as { reference: string }).reference)
        } catch {
          return void response.writeHead(400).end()
        }
      }
      response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: rows.length, total: rows.filter((one) => one === wanted).length }))
    })
  }).listen(0, '127.0.0.1')
  try {
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { report } = await attack({ plan: await planOf(undefined, ['placeOrder']), instances: [url] })
    expect(report.stopped).toMatch(/^the service stopped during client-abort of orders\.placeOrder: nobody listened/)
    expect(failures(report)).toContain('placeOrder/client-abort')
    const checks = report.results.flatMap((one) => one.checks)
    const abort = checks.find(({ check }) => check === 'client-abort')!
    expect(abort.counterexamples[0]).toMatchObject({ what: report.stopped })
    expect(abort.counterexamples[0]!.requests.length).toBeGreaterThan(0)
    // Shown by answers, before it was gone.
    expect(checks.find(({ check }) => check === 'declared-status')?.verdict).toBe('PASS')
    expect(failures(report)).toContain('placeOrder/missing-key')
    const lines = reportLines(report, (_, words) => words)
    expect(lines).toContain(report.stopped)
    expect(
      lines.some((line) => /^ {4}declared-status {2}0 of \d+ failed: under [\d.]+ %, at 95 % confidence$/.test(line)),
    ).toBe(true)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
