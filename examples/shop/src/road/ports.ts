import { createServer } from 'node:net'

/**
 * Ports of 127.0.0.1 that stay ours while their process is down for a moment. The system's own choice would not do:
 * those come from the range it also gives to outgoing connections, and one of hundreds would take ours.
 */
export async function claimPorts(count: number, preferred?: number): Promise<number[]> {
  const found: number[] = []
  if (preferred !== undefined && (await free(preferred))) found.push(preferred)
  let port = 10_000 + (process.pid % 200) * 100
  for (let tries = 0; found.length < count && tries < 5000; tries++) {
    if (await free(port)) found.push(port)
    port = port >= 31_999 ? 10_000 : port + 1
  }
  if (found.length < count) throw new Error(`no ${count} free ports between 10000 and 32000`)
  return found
}

async function free(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
