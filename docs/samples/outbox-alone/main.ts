import { createOutbox } from '@spandrel/runtime'
import { fromPg } from '@spandrel/runtime/pg'
import { coffee } from '../coffee/coffee.contract.ts' // made by `spandrel generate`
import { inTransaction, pool } from './database.ts' // what the service had before

const outbox = createOutbox(coffee, { database: pool })
await outbox.relay() // sends what was committed; in this process or in any other

export const order = inTransaction(async (client, drink: string) => {
  const { rows } = await client.query<{ id: number }>('insert into orders (drink) values ($1) returning id', [drink])
  await outbox.send(fromPg(client), 'coffeeOrdered', { orderId: rows[0]!.id, drink })
})
