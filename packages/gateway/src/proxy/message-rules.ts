import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../problem.ts'
import type { RequestTarget } from '../routes/request-target.ts'
import type { RequestHead } from './request-head.ts'

/** What RFC 9110 and 9112 ask of a request beyond what its parser holds; undefined: nothing is wrong. */
export function requestFault(
  version: string,
  head: RequestHead,
  target: RequestTarget,
  pseudonym: string,
): Problem | undefined {
  if (head.problem !== undefined) return head.problem
  if (version !== '1.1') {
    // The parser takes a request line without a version for HTTP/0.9, which has no headers that could protect anything.
    if (version === '0.9') return malformed('The version of HTTP is missing.')
    // RFC 9112, 6.1: chunks in HTTP/1.0 are a faulty framing. Whoever is before us may have read them as no body.
    if (version === '1.0' && head.chunked) return malformed('HTTP/1.0 has no transfer coding.')
  } else if (head.host === undefined) return malformed('The host header is missing.')
  // RFC 9112, 3.2.2: the target's host counts. Where the two differ, somebody before us has believed the other one.
  if (target.authority !== undefined && target.authority.toLowerCase() !== head.host?.toLowerCase()) {
    return malformed('The request target and the host header name different hosts.')
  }
  if (head.expect !== undefined && version !== '1.0' && !/^100-continue$/i.test(head.expect)) {
    return new Problem('expectation-failed', { detail: 'The only expectation that is known is 100-continue.' })
  }
  if (head.via?.includes(pseudonym) === true) {
    return new Problem('loop-detected', { detail: 'The address of the service leads to this gateway.' })
  }
  return undefined
}

const single = ['content-type', 'location']

/** What an answer must not have, though its parser took it; undefined: it may be passed on. */
export function answerFault(status: number, headers: IncomingHttpHeaders): string | undefined {
  // RFC 9110, 15: no such class.
  if (status >= 600) return `the status ${status} does not exist`
  const coding = headers['transfer-encoding']
  // Where chunked is not the last coding, or not the only one, what follows is not the body that was meant.
  if (coding !== undefined && (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked')) {
    return 'the answer has a transfer coding that is not chunked'
  }
  // Two say two things: which one counts, each reader would decide for himself.
  const twice = single.find((name) => Array.isArray(headers[name]))
  if (twice !== undefined) return `the answer has the header ${twice} twice`
  return undefined
}

function malformed(detail: string): Problem {
  return new Problem('request-malformed', { detail, close: true })
}
