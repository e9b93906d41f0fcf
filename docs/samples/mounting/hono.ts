import { type HttpBindings, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { service } from './service.ts'

const app = new Hono<{ Bindings: HttpBindings }>()
app.use(async (context, next) => {
  if (await service.tryHandle(context.env.incoming, context.env.outgoing)) return RESPONSE_ALREADY_SENT
  return next()
})
app.get('/hello', (context) => context.json({ hello: 'from hono' }))
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
