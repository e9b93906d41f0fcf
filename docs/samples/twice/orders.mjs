// A small order API with a mistake that many have: it looks for the key, works, and notes the key at the end.
import { createServer } from 'node:http'

const orders = []
const answers = new Map()
const database = () => new Promise((done) => setTimeout(done, 20))

const server = createServer((request, response) => void placeOrder(request, response))

async function placeOrder(request, response) {
  const body = JSON.parse(await new Response(request).text())
  const key = request.headers['idempotency-key']
  let order = answers.get(key)
  if (order === undefined) {
    await database()
    order = { orderId: `ord_${orders.push(body)}` }
    if (key !== undefined) answers.set(key, order)
  }
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(order))
}

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => process.send?.(server.address().port))
