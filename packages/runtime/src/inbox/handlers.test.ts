import { expect, test } from 'vitest'
import { external, type ReceiveHandlers } from './handlers.ts'

/** Checked by the compiler: what a contract says is what handlers see. */
interface Types {
  operations: Record<string, never>
  sends: { paid: { id: string } }
  receives: {
    capture: { data: { amount: number }; type: 'captureRequested' }
    see: { data: { a: string }; type: 'seen' }
    many: { data: { b: number }; type: 'counted' }
  }
  uses: { 'cards.charge': { input: { body: { amount: number } }; answer: { status: 201; body: { charge: string } } } }
}
interface Tx {
  run(sql: string): Promise<void>
}

const handlers: ReceiveHandlers<Types, Tx> = {
  capture: external({
    act: async ({ data }, { key, call }) => {
      const answer = await call('cards.charge', { body: { amount: data.amount } })
      return { charge: answer.body.charge, key }
    },
    async handle({ data, result }, { tx, send }) {
      // @ts-expect-error what `act` returned has a type
      void result.nothing
      await tx.run(result.charge + data.amount.toFixed(2))
      send('paid', { id: result.charge })
    },
  }),
  async see({ data, type }, { tx, send }) {
    // @ts-expect-error not a message of this contract
    const wrong = (): string => send('pays', { id: data.a })
    void wrong
    await tx.run(data.a + type)
    send('paid', { id: '1' })
  },
  many: {
    async batch(messages, { tx, send }) {
      for (const message of messages) send(message, 'paid', { id: String(message.data.b) })
      await tx.run('x')
    },
  },
}

test('a handler with external effects keeps its two parts', () => {
  expect(handlers.capture).toMatchObject({ effects: 'external' })
  // @ts-expect-error a handler is missing
  const missing: ReceiveHandlers<Types, Tx> = { see: handlers.see, many: handlers.many }
  expect(Object.keys(missing)).toHaveLength(2)
})
