import type { IncomingMessage } from 'node:http'

/**
 * Collects a request's body. `then` gets the bytes, or undefined as soon as there are more than `limit`; it is not
 * called where the client goes away first (the exchange sees that by itself).
 */
export function receiveBody(request: IncomingMessage, limit: number, then: (bytes: Buffer | undefined) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  const onData = (chunk: Buffer): void => {
    size += chunk.length
    if (size > limit) {
      stop()
      then(undefined)
    } else chunks.push(chunk)
  }
  const onEnd = (): void => {
    stop()
    then(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))
  }
  const stop = (): void => {
    request.off('data', onData).off('end', onEnd)
  }
  // A listener only: without one, a client that goes away in the middle would be an uncaught error.
  request
    .on('data', onData)
    .on('end', onEnd)
    .on('error', () => {})
}
