import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { OrdersController } from './orders.controller.ts'
import { PrismaService } from './prisma.service.ts'

@Module({ controllers: [OrdersController], providers: [PrismaService] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
await app.listen(Number(process.env.PORT), '127.0.0.1')
console.log(`listening on ${process.env.PORT}`)
