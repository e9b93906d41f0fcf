import 'reflect-metadata'
import { Controller, Get } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { service } from './service.ts'

class Hello {
  hello() {
    return { hello: 'from nest' }
  }
}
// With decorators, as you would write it:  @Controller() class Hello { @Get('hello') hello() { … } }
Controller()(Hello)
Get('hello')(Hello.prototype, 'hello', Object.getOwnPropertyDescriptor(Hello.prototype, 'hello')!)

const app = await NestFactory.create({ module: Hello, controllers: [Hello] }, { logger: false })
app.use(service.middleware())
await app.listen(Number(process.env.PORT))
