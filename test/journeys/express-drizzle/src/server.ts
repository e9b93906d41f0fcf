import express from 'express'
import { db, orders } from './db.ts'

const app = express()
app.use(express.json())

app.post('/orders', async (request, response) => {
  const { drink, cups } = request.body
  const [order] = await db.insert(orders).values({ drink, cups }).returning()
  response.status(201).json(order)
})

app.listen(Number(process.env.PORT), () => {
  console.log(`listening on ${process.env.PORT}`)
})
