/** Input that the schema rules out is refused: to hang up is no refusal, and to have no time is none. */
import { expect, test } from 'vitest'
import { attack, planOf } from './attack-server.ts'
import { serve } from './serve.ts'

type Refuse = (hangUp: () => void, answer: (status: number) => void) => void

/** Attacks a server that refuses what is no order as told. */
async function invalidInput(refuse: Refuse) {
  const orders = new Map<string, string>()
  let refused = 0
  const url = await serve((request, response) => {
    const at = new URL(request.url ?? '', 'http://localhost')
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (request.method !== 'POST') {
      const reference = at.searchParams.get('reference')
      return answer(200, { total: [...orders.values()].filter((one) => one === reference).length })
    }
    let text = ''
    request
      .setEncoding('utf8')
      .on('data', (chunk: string) => (text += chunk))
      .on('end', () => {
        const order = orderIn(text)
        if (order !== undefined) {
          const key = String(request.headers['idempotency-key'])
          orders.set(key, order)
          return answer(201, { orderId: key })
        }
        refused++
        refuse(
          () => request.socket.destroy(),
          (status) => answer(status, {}),
        )
      })
  })
  const plan = await planOf(undefined, ['placeOrder'])
  const { report } = await attack({ plan, instances: [url], check: 'invalid-input' })
  expect(refused).toBeGreaterThan(1)
  return report.results.flatMap(({ checks }) => checks).find(({ check }) => check === 'invalid-input')
}

const example = { reference: 'probe', sku: 'tea', quantity: 1, gift: { to: 'Ada', lines: ['Happy', 'birthday'] } }

/** The reference of an order; undefined: it is none. */
function orderIn(text: string): string | undefined {
  try {
    const order = JSON.parse(text) as typeof example
    return JSON.stringify({ ...order, reference: 'probe' }) === JSON.stringify(example) ? order.reference : undefined
  } catch {
    return undefined
  }
}

test('a server that hangs up each time is FAIL', async () => {
  const verdict = await invalidInput((hangUp) => hangUp())
  expect(verdict?.verdict).toBe('FAIL')
  expect(verdict?.counterexamples[0]?.what).toMatch(/got no answer, each time: the connection was/)
})

test('a server that hung up once, and then refuses, is not', async () => {
  let times = 0
  const verdict = await invalidInput((hangUp, answer) => (++times === 1 ? hangUp() : answer(400)))
  expect(times).toBeGreaterThan(2)
  expect(verdict?.counterexamples.filter(({ what }) => what.includes('no answer'))).toEqual([])
})

test('what is turned away for now (429) was not looked at', async () => {
  const verdict = await invalidInput((_, answer) => answer(429))
  expect(verdict?.verdict).toBe('INCONCLUSIVE')
  expect(verdict?.notes.join()).toContain('429')
})
