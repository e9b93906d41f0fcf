/** A connection that is lost with BEGIN, as a pooler ends one whose server has gone: nothing of it may be left over. */
import pg from 'pg'
import { expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { cuttingProxy } from '../../test/cutting-proxy.ts'
import { libraries, type OpenLibrary } from '../../test/libraries.ts'
import { isConnectionLost } from './failure.ts'
import { pgDatabase } from './pg.ts'

const { url } = await testDatabase()

const onPg: OpenLibrary = async (through) => {
  const pool = new pg.Pool({ connectionString: through, max: 4 })
  // As in a service that was there before: connections that were made before anybody listened.
  await pool.query('select 1')
  return { database: pgDatabase(pool), close: () => pool.end() } as Awaited<ReturnType<OpenLibrary>>
}

test.each<[string, OpenLibrary]>([['pg', onPg], ...libraries])(
  '%s: lost twice as often as its pool has connections, it neither ends the process nor stands still',
  async (name, open) => {
    const proxy = await cuttingProxy(url)
    const library = await open(proxy.url)
    const begin = (): Promise<unknown> => library.database.transaction(({ query }) => query('select 1'))
    await library.database.query('select 1')
    const cut = proxy.cutAt(name === 'typeorm' ? 'start transaction' : 'begin')
    for (let time = 0; time < 8; time++) {
      await expect(begin().catch(isConnectionLost), `lost ${time} times`).resolves.toBe(true)
    }
    expect(cut.times).toBeGreaterThanOrEqual(8)
    proxy.cutAt(undefined)
    await Promise.all(Array.from({ length: 8 }, begin))
    await library.close()
    await proxy.close()
  },
)
