/**
 * A TCP proxy before Postgres that can lose a COMMIT: on its way there (`before`: it never happens), or its answer
 * (`after`: it happened, and nobody hears of it). Armed for one COMMIT at a time.
 */
import { connect, createServer, type Socket } from 'node:net'

export interface CuttingProxy {
  /** the connection string through the proxy */
  url: string
  /** Loses the next COMMIT; resolves when it was lost. */
  loseNextCommit(where: 'before' | 'after'): Promise<void>
  /** Cuts each connection that asks for something with this word in it, before that gets through; how often it did. */
  cutAt(word: string | undefined): { readonly times: number }
  /** From now on nothing passes the connections there are, and nobody closes them; how many there were. */
  silence(): number
  /** Accepts so many connections from now on, and then neither passes anything on nor closes them. */
  hush(count: number): { readonly left: number }
  close(): Promise<void>
}

export async function cuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  const silent = new Set<Socket>()
  const hushed = { left: 0 }
  let cutting: { word: string | undefined; times: number } = { word: undefined, times: 0 }
  let armed: { where: 'before' | 'after'; lost: () => void } | undefined

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let losing: (() => void) | undefined
    if (hushed.left > 0) {
      hushed.left--
      silent.add(client).add(upstream)
    }
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    client.on('data', (chunk: Buffer) => {
      if (silent.has(client)) return
      if (cutting.word !== undefined && chunk.toString('latin1').toLowerCase().includes(cutting.word)) {
        cutting.times++
        end()
        return
      }
      if (armed !== undefined && losing === undefined && chunk.includes('commit')) {
        const { where, lost } = armed
        armed = undefined
        if (where === 'before') {
          lost()
          end()
          return
        }
        losing = lost
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (silent.has(upstream)) return
      if (losing !== undefined && chunk.includes('COMMIT')) {
        losing()
        end()
        return
      }
      client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    loseNextCommit: (where) => new Promise((lost) => (armed = { where, lost })),
    cutAt: (word) => (cutting = { word, times: 0 }),
    silence() {
      for (const socket of sockets) silent.add(socket)
      return sockets.size / 2
    },
    hush(count) {
      hushed.left = count
      return hushed
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
