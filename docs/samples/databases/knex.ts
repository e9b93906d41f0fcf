import { createOutbox } from '@spandrel/runtime'
import { fromKnex, knexDatabase } from '@spandrel/runtime/knex'
import knex from 'knex'
import { coffee } from '../coffee/coffee.contract.ts'

const db = knex({ client: 'pg', connection: process.env.DATABASE_URL! })

const outbox = createOutbox(coffee, { database: knexDatabase(db) })
await outbox.relay()

export const order = (drink: string) =>
  db.transaction(async (trx) => {
    const [row] = await trx('orders').insert({ drink }).returning('id')
    await outbox.send(fromKnex(trx), 'coffeeOrdered', { orderId: row.id, drink })
  })
