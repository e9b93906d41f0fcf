import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'
import { Problem } from './problem.ts'
import { correlationHeader, correlationOf } from './trace/correlation.ts'

/**
 * What the parser could not read, or what did not come in time. Three cases:
 *   no request on this connection is open: it is refused in plain bytes, and the connection ends
 *   the fault lies in the body of an open request: that request is refused, and the connection ends
 *   the fault lies behind a complete request: that one keeps its answer, then the connection ends. Anything written
 *     now would be taken for its answer
 */
export function refuseOnWire(error: NodeJS.ErrnoException, socket: Socket, exchange: Exchange | undefined): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  if (exchange !== undefined && !exchange.isOver) {
    if (exchange.isArriving) exchange.refuse(problemOf(error))
    exchange.endConnection()
    return
  }
  const problem = problemOf(error)
  const correlationId = correlationOf(undefined)
  const body = problem.body(correlationId)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `${correlationHeader}: ${correlationId}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}

function problemOf(error: NodeJS.ErrnoException): Problem {
  const details = { close: true }
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', details)
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout', details)
    default:
      // The parser's own words name no byte of the request.
      return new Problem('request-malformed', { ...details, detail: 'This is not HTTP as RFC 9112 has it.' })
  }
}
