/**
 * What every transport must do, run by each implementation against its real server. Test names carry the law or the
 * failure they guard (design.md's laws, FM numbers).
 */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OutgoingMessage } from '../message/envelope.ts'
import type { Delivery, Transport, TransportSubscription } from './transport.ts'

export interface ConformanceFixture {
  /** a fresh transport connected to the same server; several may be open at once */
  open(): Promise<Transport>
  /** two registered subscriptions of one ordered channel of 4 partitions, which nothing else uses */
  channel: string
  subscriptions: readonly [string, string]
  /** takes messages up to this many bytes */
  maxMessageBytes: number
}

const all = { limit: 10_000, maxBytes: 64 * 1024 * 1024 }

export function transportConformance(name: string, prepare: () => Promise<ConformanceFixture>): void {
  describe(`transport ${name}`, () => {
    let fixture: ConformanceFixture
    const open: Transport[] = []
    const transport = async (): Promise<Transport> => {
      const made = await fixture.open()
      open.push(made)
      return made
    }
    const message = (key: string | undefined, data: unknown): OutgoingMessage => ({
      channel: fixture.channel,
      attributes: {
        specversion: '1.0',
        id: randomUUID(),
        source: '/conformance/producer',
        type: 'thing',
        time: new Date().toISOString(),
        datacontenttype: 'application/json',
        correlationid: 'c-1',
        ...(key === undefined ? {} : { partitionkey: key }),
      },
      data: JSON.stringify(data),
    })
    const everything = (partitions: number): Map<number, number> =>
      new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0]))
    const drain = async (subscription: TransportSubscription, limit = 100): Promise<Delivery[]> => {
      const positions = everything(subscription.partitions)
      const found: Delivery[] = []
      for (;;) {
        const batch = await subscription.read(positions, { ...all, limit })
        if (batch.length === 0) return found
        for (const delivery of batch) positions.set(delivery.partition, delivery.offset)
        found.push(...batch)
      }
    }

    beforeEach(async () => {
      fixture = await prepare()
    })
    afterEach(async () => {
      for (const made of open.splice(0)) await made.close()
    })

    test('law 1: what was confirmed reaches every registered subscription, data and attributes as sent', async () => {
      const producer = await transport()
      const sent = [message('k1', { n: 1, text: 'ü\u2028"' }), message('k2', { n: 2 }), message(undefined, { n: 3 })]
      expect(await producer.publish(sent)).toEqual([{ ok: true }, { ok: true }, { ok: true }])
      for (const name of fixture.subscriptions) {
        const found = await drain(await (await transport()).subscription(name, fixture.channel))
        expect(found.map(({ attributes, data }) => ({ attributes, data })).sort(byId)).toEqual(
          sent.map(({ attributes, data }) => ({ attributes, data })).sort(byId),
        )
      }
    })

    test('law 7: one key stays in one partition, in the order appended', async () => {
      const producer = await transport()
      for (let round = 0; round < 20; round++) {
        await producer.publish(Array.from({ length: 10 }, (_, n) => message(`k${n % 3}`, { round, n })))
      }
      const found = await drain(await producer.subscription(fixture.subscriptions[0], fixture.channel), 7)
      expect(found.length).toBe(200)
      for (const key of ['k0', 'k1', 'k2']) {
        const mine = found.filter(({ attributes }) => attributes.partitionkey === key)
        expect(new Set(mine.map(({ partition }) => partition)).size).toBe(1)
        const order = mine
          .map(({ data }) => JSON.parse(data) as { round: number; n: number })
          .map(({ round, n }) => round * 10 + n)
        expect(order).toEqual(order.toSorted((a, b) => a - b))
      }
    })

    test('FM01: concurrent producers leave no gap, and a reader that follows misses nothing', async () => {
      const producers = [await transport(), await transport(), await transport(), await transport()]
      const subscription = await (await transport()).subscription(fixture.subscriptions[0], fixture.channel)
      const positions = everything(subscription.partitions)
      const seen = new Set<string>()
      let done = false
      const reader = (async () => {
        for (;;) {
          const last = done
          const batch = await subscription.read(positions, { ...all, limit: 500 })
          for (const delivery of batch) {
            expect(delivery.offset, 'offsets have no gap').toBe((positions.get(delivery.partition) ?? 0) + 1)
            positions.set(delivery.partition, delivery.offset)
            seen.add(delivery.attributes.id)
          }
          if (last && batch.length === 0) return
        }
      })()
      const sent: string[] = []
      await Promise.all(
        producers.map(async (producer, p) => {
          for (let round = 0; round < 50; round++) {
            const batch = Array.from({ length: 10 }, (_, n) => message(`p${p}-${n}`, { round }))
            sent.push(...batch.map(({ attributes }) => attributes.id))
            await producer.publish(batch)
          }
        }),
      )
      done = true
      await reader
      expect(sent.length).toBe(2000)
      expect(seen).toEqual(new Set(sent))
    })

    test('FM12: a message that can never be sent is refused alone; the others of its batch go', async () => {
      const producer = await transport()
      const large = message('k', 'x'.repeat(fixture.maxMessageBytes))
      const stray = { ...message('k', 1), channel: 'nowhere' }
      const good = message('l', 2)
      const results = await producer.publish([large, stray, good])
      expect(results.map((result) => result.ok)).toEqual([false, false, true])
      expect(results[0]).toHaveProperty('refused')
      expect(results[1]).toHaveProperty('refused')
      const found = await drain(await producer.subscription(fixture.subscriptions[0], fixture.channel))
      expect(found.map(({ attributes }) => attributes.id)).toEqual([good.attributes.id])
    })

    test('law 7: what comes after a refused message of its key waits; without a key it goes', async () => {
      const producer = await transport()
      const batch = [
        message('k', 'x'.repeat(fixture.maxMessageBytes)),
        message('k', 1),
        message('l', 2),
        message('k', 3),
        message(undefined, 4),
      ]
      const results = await producer.publish(batch)
      expect(results.map((result) => (result.ok ? 'ok' : Object.keys(result).at(-1)))).toEqual([
        'refused',
        'later',
        'ok',
        'later',
        'ok',
      ])
      const found = await drain(await producer.subscription(fixture.subscriptions[0], fixture.channel))
      expect(found.map(({ data }) => data).toSorted()).toEqual(['2', '4'])
    })

    test('a read is bounded: by count, by bytes, never fewer than one, and no partition is starved', async () => {
      const producer = await transport()
      const busy = message('busy', {}).attributes.partitionkey as string
      await producer.publish(Array.from({ length: 300 }, (_, n) => message(busy, { n, pad: 'x'.repeat(1000) })))
      const others = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => message(key, { key }))
      await producer.publish(others)
      const subscription = await producer.subscription(fixture.subscriptions[0], fixture.channel)
      const batch = await subscription.read(everything(subscription.partitions), { ...all, limit: 50 })
      expect(batch.length).toBe(50)
      const partitions = new Set((await drain(subscription)).map(({ partition }) => partition))
      expect(new Set(batch.map(({ partition }) => partition))).toEqual(partitions)
      const small = await subscription.read(everything(subscription.partitions), { limit: 50, maxBytes: 1 })
      expect(small.length).toBe(partitions.size)
    })

    test('a position past the newest message stops the reader instead of skipping what comes', async () => {
      const producer = await transport()
      await producer.publish([message('k', 1)])
      const subscription = await producer.subscription(fixture.subscriptions[0], fixture.channel)
      await expect(subscription.read(new Map([[0, 1000]]), all)).rejects.toMatchObject({ code: 'incarnation-changed' })
      expect(await subscription.incarnation()).toBe(await subscription.incarnation())
    })

    test('settling never moves back, and says nothing to readers', async () => {
      const producer = await transport()
      await producer.publish(Array.from({ length: 20 }, (_, n) => message('k', n)))
      const subscription = await producer.subscription(fixture.subscriptions[0], fixture.channel)
      const [first] = await drain(subscription)
      const partition = first?.partition ?? 0
      await subscription.settle(new Map([[partition, 20]]))
      await subscription.settle(new Map([[partition, 5]]))
      expect((await drain(subscription)).length).toBe(20)
    })

    test('an append wakes a reader in another process’s transport', async () => {
      const reader = await (await transport()).subscription(fixture.subscriptions[0], fixture.channel)
      const producer = await transport()
      // The watch may still be connecting: append until it is heard, which a deaf one never does.
      let heard = false
      const watch = reader.watch(() => {
        heard = true
      })
      await expect
        .poll(
          async () => {
            await producer.publish([message('k', 1)])
            return heard
          },
          { timeout: 5000, interval: 20 },
        )
        .toBe(true)
      await watch.close()
      await reader.close()
    })

    test('a subscription that is not registered is refused with the fix', async () => {
      const some = await transport()
      await expect(some.subscription('nobody:things', fixture.channel)).rejects.toMatchObject({
        code: 'unknown-channel',
        hint: expect.stringContaining('migrate'),
      })
    })
  })
}

function byId(a: { attributes: { id: string } }, b: { attributes: { id: string } }): number {
  return a.attributes.id < b.attributes.id ? -1 : 1
}
