import { createOutbox } from '@spandrel/runtime'
import { fromPostgresJs, postgresJsDatabase } from '@spandrel/runtime/postgres-js'
import postgres from 'postgres'
import { coffee } from '../coffee/coffee.contract.ts'

const sql = postgres(process.env.DATABASE_URL!)

const outbox = createOutbox(coffee, { database: postgresJsDatabase(sql) })
await outbox.relay()

export const order = (drink: string) =>
  sql.begin(async (tx) => {
    const [row] = await tx<{ id: number }[]>`insert into orders (drink) values (${drink}) returning id`
    await outbox.send(fromPostgresJs(tx), 'coffeeOrdered', { orderId: row!.id, drink })
  })
