import { PrismaPg } from '@prisma/adapter-pg'
import { createOutbox } from '@spandrel/runtime'
import { fromPrisma, prismaDatabase } from '@spandrel/runtime/prisma'
import pg from 'pg'
import { coffee } from '../coffee/coffee.contract.ts'
import { PrismaClient } from './prisma/generated/client.ts'

const prisma = new PrismaClient({ adapter: new PrismaPg(process.env.DATABASE_URL!) })
const listen = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 })

const outbox = createOutbox(coffee, { database: prismaDatabase(prisma, { listen }) })
await outbox.relay()

export const order = (drink: string) =>
  prisma.$transaction(async (tx) => {
    const { id } = await tx.order.create({ data: { drink } })
    await outbox.send(fromPrisma(tx), 'coffeeOrdered', { orderId: id, drink })
  })
