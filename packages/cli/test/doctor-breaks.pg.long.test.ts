/**
 * What `doctor` finds in databases: each thing is broken on a real server, the finding is seen, its fix is applied where
 * it is SQL, and it is gone.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { breaks } from './doctor-breaks.ts'
import { DoctorServer } from './doctor-server.ts'

vi.setConfig({ testTimeout: 120_000 })

let at: DoctorServer
beforeAll(async () => {
  at = await DoctorServer.start()
  await at.applyPrivileges()
})
afterAll(() => at.close())

test.each(breaks)('$check of $about: $by', async ({ check, about, by, finds: words, mend, limits }) => {
  const options = { ...(limits !== undefined && { limits }) }
  let fix = mend
  try {
    await at.sql(about, by)
    fix = mend ?? (await at.finds(check, about, words, options)).fix
    await at.finds(check, about, words, options).catch((error: unknown) => {
      if (mend !== undefined) throw error
    })
  } finally {
    if (fix !== undefined) await at.sql(about, fix)
  }
  expect(await at.left(options)).toEqual([])
})
