// The same, mended: the key is claimed in the moment it is looked for, and JSON is compared, not bytes.
import { createServer } from 'node:http'

const orders = []
const answers = new Map()
const database = () => new Promise((done) => setTimeout(done, 20))

async function route(request) {
  const url = new URL(request.url, 'http://localhost')
  if (request.method === 'GET') {
    return [200, { total: orders.filter(({ reference }) => reference === url.searchParams.get('reference')).length }]
  }
  const order = await new Response(request).json()
  const key = request.headers['idempotency-key']
  if (key === undefined) return [400, { title: 'Idempotency-Key is missing' }]
  if (typeof order.reference !== 'string' || !(Number.isInteger(order.quantity) && order.quantity > 0)) {
    return [400, { title: 'an order has a reference and a quantity' }]
  }
  const same = JSON.stringify(Object.entries(order).sort(([a], [b]) => (a < b ? -1 : 1)))
  const known = answers.get(key)
  if (known === undefined) answers.set(key, { same })
  else if (known.answer === undefined) return [409, { title: 'the first is still running' }, { 'retry-after': '1' }]
  else return known.same === same ? known.answer : [422, { title: 'this key had another body' }]
  await database()
  const answer = [201, { orderId: `ord_${orders.push(order)}` }]
  answers.set(key, { same, answer })
  return answer
}

async function serve(request, response) {
  const [status, body, headers] = await route(request)
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

const server = createServer(
  (request, response) => void serve(request, response).catch(() => response.writeHead(400).end()),
)
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => process.send?.(server.address().port))
