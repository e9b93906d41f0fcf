import { createOutbox } from '@spandrel/runtime'
import { fromTypeorm, typeormDatabase } from '@spandrel/runtime/typeorm'
import { DataSource, EntitySchema } from 'typeorm'
import { coffee } from '../coffee/coffee.contract.ts'

const Order = new EntitySchema<{ id: number; drink: string }>({
  name: 'orders',
  columns: { id: { type: Number, primary: true, generated: true }, drink: { type: String } },
})
const source = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL!, entities: [Order] })
await source.initialize()

const outbox = createOutbox(coffee, { database: typeormDatabase(source) })
await outbox.relay()

export const order = (drink: string) =>
  source.transaction(async (manager) => {
    const { id } = await manager.save(Order, { drink })
    await outbox.send(fromTypeorm(manager), 'coffeeOrdered', { orderId: id, drink })
  })
