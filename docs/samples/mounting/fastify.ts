import fastify from 'fastify'
import { service } from './service.ts'

const app = fastify()
const mounted = service.middleware()
app.addHook('onRequest', (request, reply, next) => mounted(request.raw, reply.raw, () => next()))
app.get('/hello', () => ({ hello: 'from fastify' }))
await app.listen({ port: Number(process.env.PORT) })
