/** A gateway in a process of its own, whose memory is nobody else's. Says its port, then its RSS whenever it is asked. */
import { createGateway } from '../src/index.ts'
import { system } from './system.ts'

const [, , url = ''] = process.argv
const { port } = await createGateway({
  system: system({
    one: {
      url,
      operations: { get: { path: '/x' }, put: { method: 'PUT', path: '/x', body: { '*/*': undefined } } },
    },
  }),
  operations: { 'one.put': { bodyBytes: 2 ** 31 } },
  limits: { requestMs: 300_000, timeoutMs: 60_000 },
}).listen({ port: 0 })
process.on('message', () => process.send?.(process.memoryUsage.rss()))
process.on('disconnect', () => process.exit())
process.send?.(port)
