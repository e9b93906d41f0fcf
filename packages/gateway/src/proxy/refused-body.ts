import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** A request that is refused before its body is here is still read, for this long: else the refusal may not arrive. */
const lingerMs = 5000
/** Bodies that announce more than this are not waited for: the connection ends with the refusal. */
const lingerBytes = 16 * 1024 * 1024

/**
 * What is left of a refused request's body is read and dropped; true: the connection must end instead.
 * `bytes`: announced, infinite for chunks; `awaited`: the client waits for `100 Continue`.
 */
export function refusesRest(
  request: IncomingMessage,
  socket: Socket,
  { bytes, awaited }: { readonly bytes: number; readonly awaited: boolean },
): boolean {
  if (bytes === 0 || request.complete) return false
  // Refused before it was sent: whether it comes all the same is the client's choice, and the end of all framing.
  if (awaited) return true
  // undici destroys a stream it could not send: there is nothing left that could be read.
  if (request.destroyed || (bytes > lingerBytes && bytes !== Number.POSITIVE_INFINITY)) return true
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  request.on('close', () => clearTimeout(timer)).on('error', () => {})
  request.resume()
  return false
}
