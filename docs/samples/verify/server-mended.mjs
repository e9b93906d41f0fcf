// Plain Express, nothing of ours. It claims the key in the moment it looks for it.
import express from 'express'

const orders = []
const answers = new Map()
const database = () => new Promise((done) => setTimeout(done, 50)) // the time a database takes

const app = express()
app.use(express.json())

app.post('/orders', async (request, response) => {
  const key = request.get('idempotency-key')
  if (key === undefined) return response.status(400).json({ title: 'Idempotency-Key is missing' })
  const { reference, quantity } = request.body
  if (typeof reference !== 'string' || !(Number.isInteger(quantity) && quantity > 0)) {
    return response.status(400).json({ title: 'an order has a reference and a quantity' })
  }
  const order = JSON.stringify([reference, quantity])
  const known = answers.get(key)
  if (known !== undefined && known.order !== order)
    return response.status(422).json({ title: 'this key had another body' })
  if (known !== undefined && known.answer === undefined) {
    return response.status(409).set('retry-after', '1').json({ title: 'the first is still running' })
  }
  if (known !== undefined) return response.status(201).json(known.answer)
  answers.set(key, { order })
  await database()
  const answer = { orderId: `ord_${orders.push({ reference, quantity })}` }
  answers.set(key, { order, answer })
  response.status(201).json(answer)
})

app.get('/orders', (request, response) => {
  response.json({ total: orders.filter(({ reference }) => reference === request.query.reference).length })
})

// What cannot be read, or went wrong: no page, and nothing of the inside.
app.use((error, request, response, next) => {
  if (response.headersSent) return next(error)
  response
    .status(error.status ?? 500)
    .json({ title: error.status === 400 ? 'that is no JSON' : 'something went wrong' })
})

const port = Number(process.env.PORT ?? 3000)
app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`orders on http://127.0.0.1:${port}`)
})
