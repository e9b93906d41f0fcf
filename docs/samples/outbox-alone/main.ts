import { createOutbox } from '@spandrel/runtime'
import { fromPg } from '@spandrel/runtime/pg'
import pg from 'pg'
import { coffee } from '../coffee/coffee.contract.ts'

const database = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const outbox = createOutbox(coffee, { database })
await outbox.relay() // sends what was committed; in this process or in any other

export async function order(drink: string): Promise<number> {
  const client = await database.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query('insert into orders (drink) values ($1) returning id', [drink])
    await outbox.send(fromPg(client), 'coffeeOrdered', { orderId: rows[0].id, drink })
    await client.query('commit')
    return rows[0].id
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
