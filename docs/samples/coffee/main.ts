import { createService } from '@spandrel/runtime'
import pg from 'pg'
import { coffee } from './coffee.contract.ts' // made by `spandrel generate`

export const service = createService(coffee, {
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  handlers: {
    async orderCoffee({ body: { drink } }, { tx, send }) {
      const { rows } = await tx.query<{ id: number }>('insert into orders (drink) values ($1) returning id', [drink])
      const orderId = rows[0]!.id
      send('coffeeOrdered', { orderId, drink }) // leaves if, and only if, the order is committed
      return { status: 201, body: { orderId } } // the same key again gets this answer, not a second coffee
    },
    async brewCoffee({ data }, { tx }) {
      await tx.query('insert into brews (order_id) values ($1)', [data.orderId]) // once for each message
    },
  },
})
await service.listen({ port: Number(process.env.PORT ?? 7000) })
