/** Whoever ends the shop, and whenever: it audits where it still can, and leaves nothing behind. */
import { expect, it } from 'vitest'
import { files, left, start } from './start-shop.ts'

it('closes properly and audits when Ctrl-C comes before it is open, and again while it closes', async () => {
  let told = 0
  const ended = await start([], {}, (child, output) => {
    if (told === 0 && output.includes('starting Postgres')) told += Number(child.kill('SIGINT'))
    // Not the echo of the first one that npm sends, but somebody who is in a hurry.
    if (told === 1 && output.includes('gateway  ')) told += Number(child.kill('SIGINT'))
  })
  expect(told).toBe(2)
  expect(ended).toMatchObject({ code: 0, errors: '' })
  expect(ended.output).toContain('closing already')
  expect(ended.output).toMatch(/closing properly[^]*lost +0/)
  expect(left()).toEqual([])
  expect(files()).toEqual([])
})

it('leaves nothing behind when it is killed', async () => {
  const ended = await start([], {}, (child, output) => {
    if (output.includes('gateway  ')) child.kill('SIGKILL')
  })
  expect(ended).toMatchObject({ code: null })
  await expect.poll(() => [...left(), ...files()], { timeout: 15_000 }).toEqual([])
})
