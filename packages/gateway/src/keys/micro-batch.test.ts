import { expect, test } from 'vitest'
import { MicroBatch } from './micro-batch.ts'

test('what comes while a batch is in flight goes into the next; each gets its own result', async () => {
  const batches: number[][] = []
  const release: (() => void)[] = []
  const batch = new MicroBatch<number, number>(
    async (items) => {
      batches.push([...items])
      await new Promise<void>((resolve) => release.push(resolve))
      return items.map((item) => item * 10)
    },
    { most: 3 },
  )
  const first = batch.ask(1)
  await expect.poll(() => batches.length).toBe(1)
  const rest = [2, 3, 4, 5].map((item) => batch.ask(item))
  release[0]?.()
  expect(await first).toBe(10)
  await expect.poll(() => batches.length).toBe(2)
  release[1]?.()
  await expect.poll(() => batches.length).toBe(3)
  release[2]?.()
  expect(await Promise.all(rest)).toEqual([20, 30, 40, 50])
  expect(batches).toEqual([[1], [2, 3, 4], [5]])
  await batch.settled()
})

test('two of one identity never go together, and keep their order', async () => {
  const batches: string[][] = []
  const batch = new MicroBatch<string, string>(
    async (items) => {
      batches.push([...items])
      return items
    },
    { identity: (item) => item.slice(0, 1) },
  )
  await Promise.all(['a1', 'a2', 'b1', 'a3'].map((item) => batch.ask(item)))
  expect(batches).toEqual([['a1', 'b1'], ['a2'], ['a3']])
})

test('a batch that fails fails all who are in it, and nobody else', async () => {
  let turn = 0
  const batch = new MicroBatch<number, number>((items) =>
    ++turn === 1 ? Promise.reject(new Error('away')) : Promise.resolve(items),
  )
  const failed = await Promise.allSettled([batch.ask(1), batch.ask(2)])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await batch.ask(3)).toBe(3)
})

test('what one item does to a statement is not done to its neighbours', async () => {
  const batches: number[][] = []
  const batch = new MicroBatch<number, number>(
    async (items) => {
      batches.push([...items])
      await Promise.resolve()
      if (items.includes(13)) throw new Error('thirteen')
      return items
    },
    { isOfItem: (error) => (error as Error).message === 'thirteen' },
  )
  const asked = await Promise.allSettled([12, 13, 14].map((item) => batch.ask(item)))
  expect(asked.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    12,
    'Error: thirteen',
    14,
  ])
  expect(batches).toEqual([[12, 13, 14], [12], [13], [14]])
})
