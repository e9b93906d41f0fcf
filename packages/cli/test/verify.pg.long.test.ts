/**
 * `verify` against a service on our own runtime, two processes of it, with effects counted in its database: what the
 * runtime promises is PASS. And the same with the table counted twice, to see that the count decides.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/postgres.ts'
import { endGroup, freePort, spawnGroup } from '../src/embedded/index.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { spandrel } from './spandrel.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const children: ReturnType<typeof spawnGroup>[] = []
afterEach(async () => {
  for (const child of children.splice(0)) await endGroup(child)
})

async function start(coffee: TestDatabase, stream: TestDatabase): Promise<string> {
  const port = await freePort()
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const env = {
    PATH,
    NODE_COMPILE_CACHE,
    DATABASE_URL: coffee.url,
    SPANDREL_TRANSPORT_URL: stream.url,
    PORT: String(port),
  }
  children.push(
    spawnGroup(process.execPath, ['--conditions=spandrel-source', join(root, 'docs/samples/coffee/main.ts')], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  )
  const url = `http://127.0.0.1:${port}`
  const ready = () =>
    fetch(`${url}/.spandrel/ready`).then(
      ({ status }) => status,
      () => 0,
    )
  await expect.poll(ready, { timeout: 30_000, interval: 50 }).toBe(200)
  return url
}

test(
  'the runtime keeps what it promises: two instances, effects counted in the database',
  { timeout: 180_000 },
  async () => {
    const [coffee, stream] = [await testDatabase(), await testDatabase()]
    const env = { COFFEE_DATABASE_URL: coffee.url, SPANDREL_TRANSPORT_URL: stream.url }
    await spandrel(['migrate', '--config', join(root, 'docs/samples/coffee')], { cwd: root, env })
    await coffee.pool.query(await readFile(join(root, 'docs/samples/coffee/schema.sql'), 'utf8'))
    const urls = [await start(coffee, stream), await start(coffee, stream)]
    const folder = await mkdtemp(join(tmpdir(), 'spandrel-verify-'))
    try {
      const document = join(folder, 'coffee.openapi.yaml')
      await writeFile(document, await readFile(join(root, 'docs/samples/coffee/coffee.openapi.yaml')))
      const probe = { marker: '$request.body#/drink', example: { drink: 'tea' }, settles: 'PT0.3S' }
      await writeFile(join(folder, 'coffee.guarantees.yaml'), JSON.stringify({ orderCoffee: { 'x-probe': probe } }))
      const verify = (query: string) =>
        spandrel(
          [
            'verify',
            document,
            ...urls.flatMap((url) => ['--url', url]),
            '--profile',
            'quick',
            '--json',
            '--database',
            coffee.url,
            '--count',
            `orderCoffee=${query}`,
          ],
          { cwd: folder },
        )
      const { stdout, stderr } = await verify('select count(*) from orders where drink = $1')
      expect(stderr).toBe('')
      const report = JSON.parse(stdout)
      const checks = report.results.flatMap((result: { checks: object[] }) => result.checks) as {
        check: string
        verdict: string
        notes: string[]
      }[]
      expect(checks.filter(({ verdict }) => verdict !== 'PASS')).toEqual([])
      expect(checks.map(({ check }) => check)).toEqual(
        expect.arrayContaining(['sequential', 'simultaneous', 'late-overlap', 'instances', 'client-abort', 'kept']),
      )
      const doubled = JSON.parse((await verify('select 2 * count(*) from orders where drink = $1')).stdout)
      expect(doubled.results[0].verdict).toBe('INCONCLUSIVE')
      // Before anything is sent.
      const { rows: before } = await coffee.pool.query('select count(*) from orders')
      for (const [query, why] of [
        ['with d as (delete from orders returning 1) select count(*) from d where $1::text is not null', 'read-only'],
        ["select set_config('transaction_read_only', 'off', false), $1::text", 'read-write mode'],
        ['select count(*) from ordrs where drink = $1', 'relation "ordrs" does not exist'],
      ] as const) {
        const { code, stdout } = await verify(query)
        expect({ query, code, what: JSON.parse(stdout).error.what }).toEqual({
          query,
          code: 2,
          what: expect.stringContaining(why),
        })
      }
      expect((await coffee.pool.query('select count(*) from orders')).rows).toEqual(before)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
