/** `verify --transport --start` as a user runs it: the service is started, killed, started again, and gone afterwards. */
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { makeDatabase } from '../../verify/test/parcels/attack-parcels.ts'
import { freePort } from '../src/embedded/index.ts'
import { spandrel } from './spandrel.ts'

const folder = fileURLToPath(new URL('../../verify/test/parcels/', import.meta.url))

test('messages are tested, the kill kills, and nothing is left running', { timeout: 180_000 }, async () => {
  const database = await makeDatabase(inject('postgres'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  try {
    const options = ['--config', folder, '--operation', 'bookParcel', '--profile', 'quick', '--json']
    const start = `exec ${process.execPath} --conditions=spandrel-source ${folder}server.ts`
    const { stdout, code } = await spandrel(
      ['verify', ...options, '--transport', database.url, '--start', start, '--url', url],
      { cwd: folder, env: { DATABASE_URL: database.url, PORT: String(port) } },
    )
    const report = JSON.parse(stdout)
    const verdicts = Object.fromEntries(
      report.results.flatMap(({ checks }: { checks: { check: string; verdict: string }[] }) =>
        checks.map(({ check, verdict }) => [check, verdict]),
      ),
    )
    expect(verdicts).toMatchObject({
      'message-twice': 'PASS',
      'message-after-restart': 'PASS',
      'message-crash': 'PASS',
      'order-crash': 'PASS',
      'dead-letter': 'PASS',
      attempts: 'PASS',
      'effect-has-message': 'PASS',
    })
    expect(code).toBe(0)
    await expect(fetch(url), 'the process group ended with the command').rejects.toThrow('fetch failed')
  } finally {
    await database.drop()
  }
})
