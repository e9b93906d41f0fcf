/**
 * Asks the server to give up the statement that runs on a connection, over a connection of its own
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS). Poolers pass it on.
 *
 *   CancelRequest: int32 16 · int32 80877102 · int32 process · int32 secret; no answer, the server closes
 */
import { connect } from 'node:net'

/** What a `pg` client knows of its server and its session. */
interface Session {
  host?: unknown
  port?: unknown
  processID?: unknown
  secretKey?: unknown
}

const cancelCode = 80_877_102
const patienceMs = 5000

/**
 * A hint: nothing is reported, and a server that insists on TLS for it may not hear it. Resolves when the other side
 * has dealt with it, or is not there; at the latest after 5 s.
 */
export async function cancelStatement(client: object): Promise<void> {
  const { host, port, processID, secretKey } = client as Session
  if (typeof host !== 'string' || typeof port !== 'number') return
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(cancelCode, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.unref()
  socket.setTimeout(patienceMs, () => socket.destroy())
  socket.on('error', () => {})
  // The server closes, without an answer. To be waited for: a pooler takes one that closes first for a client that has
  // gone, and passes nothing on. What is never read would never be seen to end.
  socket.resume()
  socket.write(request)
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}
