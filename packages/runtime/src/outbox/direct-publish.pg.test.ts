/** The mutant `publish-after-commit` does what a service without an outbox does; the laws' tests must be able to see it. */
import { afterAll, expect, test } from 'vitest'

process.env['SPANDREL_MUTANT'] = 'publish-after-commit'
const { outboxRig, silent, until } = await import('../../test/outbox-rig.ts')
const { createRelay } = await import('./relay.ts')
afterAll(() => {
  delete process.env['SPANDREL_MUTANT']
})

test('watched: the mutant writes no row, and publishes a moment after the commit', async () => {
  const rig = await outboxRig()
  const [lost] = await rig.send('noted', { text: 'a' })
  expect(await rig.rows('select 1 from spandrel.outbox')).toEqual([])
  // Nobody rings: a process that died here would have lost it.
  expect(await rig.arrived('notes')).toEqual([])
  const relay = createRelay({ database: rig.database, transport: rig.transport(), logger: silent })
  relay.ring()
  await until(async () => (await rig.arrived('notes')).length === 1)
  expect((await rig.arrived('notes')).map(({ attributes }) => attributes.id)).toEqual([lost])
})
