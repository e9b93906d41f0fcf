import { createServer, connect } from 'node:net'

/** Whether somebody could listen on this port of this machine now. */
export function portIsFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Resolves true when something listens there; false when the signal ends the wait. */
export async function listens(port: number, host: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host })
      const done = (is: boolean): void => {
        socket.destroy()
        resolve(is)
      }
      socket.once('connect', () => done(true)).once('error', () => done(false))
      socket.setTimeout(1000, () => done(false))
    })
    if (open) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
