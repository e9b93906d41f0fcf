/**
 * One POST of one message, and what its answer means:
 *
 *   2xx                                    done; a `journey-note` header is kept
 *   429, 503 with Retry-After              the receiver asks for a pause: an outage of that length, no attempt counted
 *   408, 425, 429, 5xx                     an attempt; tried again by the contract
 *   no connection                          an outage: probed, no attempt counted
 *   a connection that breaks off           an outage; an attempt only where this message was the probe (see Acts)
 *   any other 3xx, 4xx                     trying again cannot help: a dead letter. Redirects are never followed.
 */
import { faults } from '#faults'
import { neverConnected } from '../calls/connection-failure.ts'
import { retryAfter } from '../calls/try.ts'
import { Outage, Terminal } from '../errors.ts'
import type { ReceivedMessage } from '../inbox/handlers.ts'
import { encodeBinary } from '../message/cloudevents.ts'

/** A pause the receiver asks for is at most this long. */
const longestPauseMs = 5 * 60 * 1000
const again = new Set([408, 425, 429])
/** Resolves with the receiver's note, if it gave one. */
export async function post(
  url: URL,
  message: ReceivedMessage,
  options: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<string | undefined> {
  const { headers, body } = encodeBinary({ attributes: message.attributes, data: message.json })
  const { correlationid, traceparent, tracestate } = message.attributes
  const sent = fetch(url, {
    method: 'POST',
    headers: {
      ...options.headers,
      ...headers,
      'correlation-id': correlationid,
      ...(traceparent !== undefined && { traceparent }),
      ...(tracestate !== undefined && { tracestate }),
    },
    body,
    redirect: 'manual',
    signal: options.signal,
  })
  // Whatever happens at the fail point, the request's own failure is not left unheard.
  sent.catch(() => {})
  await faults.point('push.sent')
  let answer: Response
  try {
    answer = await sent
    // Nothing of the body is of use; an unread one would keep the connection.
    await answer.body?.cancel()
  } catch (cause) {
    const code = neverConnected(cause)
    if (code !== undefined) throw new Outage(`${url.origin} cannot be reached: ${code}`, { cause })
    throw cause
  }
  await faults.point('push.answered')
  if (answer.ok) return answer.headers.get('journey-note') ?? undefined
  const asked = retryAfter(answer.headers.get('retry-after'))
  const text = `${url.origin} answered ${answer.status}`
  if (asked !== undefined && (answer.status === 429 || answer.status === 503)) {
    throw new Outage(text, { retryAfterMs: Math.min(asked, longestPauseMs) })
  }
  if (answer.status >= 500 || again.has(answer.status)) throw new Error(text)
  throw new Terminal(text)
}
