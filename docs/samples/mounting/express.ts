import express from 'express'
import { service } from './service.ts'

const app = express()
app.use(service.middleware()) // what the contract has no operation for goes on
app.use(express.json())
app.get('/hello', (_, response) => {
  response.json({ hello: 'from express' })
})
app.listen(Number(process.env.PORT))
