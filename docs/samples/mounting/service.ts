import { createService } from '@spandrel/runtime'
import pg from 'pg'
import { coffee } from '../coffee/coffee.contract.ts'

export const service = createService(coffee, {
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  handlers: {
    async orderCoffee({ body: { drink } }, { tx, send }) {
      const { rows } = await tx.query<{ id: number }>('insert into orders (drink) values ($1) returning id', [drink])
      const orderId = rows[0]!.id
      send('coffeeOrdered', { orderId, drink })
      return { status: 201, body: { orderId } }
    },
    async brewCoffee({ data }, { tx }) {
      await tx.query('insert into brews (order_id) values ($1)', [data.orderId])
    },
  },
})
await service.start() // relay and consumers; `listen` would open a port of its own
