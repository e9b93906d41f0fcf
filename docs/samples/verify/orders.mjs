// Plain Node, nothing of ours. It looks for the key, works, and notes the key at the end.
import { createServer } from 'node:http'

const orders = []
const answers = new Map()
const database = () => new Promise((done) => setTimeout(done, 20))

async function route(request) {
  const url = new URL(request.url, 'http://localhost')
  if (request.method === 'GET') {
    return [200, { total: orders.filter(({ reference }) => reference === url.searchParams.get('reference')).length }]
  }
  const body = await new Response(request).text()
  const order = JSON.parse(body)
  const key = request.headers['idempotency-key']
  if (key === undefined) return [400, { title: 'Idempotency-Key is missing' }]
  if (typeof order.reference !== 'string' || !(Number.isInteger(order.quantity) && order.quantity > 0)) {
    return [400, { title: 'an order has a reference and a quantity' }]
  }
  const known = answers.get(key)
  if (known !== undefined) return known.body === body ? known.answer : [422, { title: 'this key had another body' }]
  await database()
  const answer = [201, { orderId: `ord_${orders.push(order)}` }]
  answers.set(key, { body, answer })
  return answer
}

async function serve(request, response) {
  const [status, body] = await route(request)
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const server = createServer(
  (request, response) => void serve(request, response).catch(() => response.writeHead(400).end()),
)
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => process.send?.(server.address().port))
