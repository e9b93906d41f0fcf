/** What a failed connection to somebody else says about the request: nothing was sent, or it may have arrived. */
const neverMade = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
const broken = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** The code of a connection that was never made: nothing of the request has arrived. */
export function neverConnected(error: unknown): string | undefined {
  return codeOf(error, neverMade)
}

/** The code of a connection that ended in the middle of a request: the other side may have died over it, or of anything. */
export function brokeOff(error: unknown): string | undefined {
  return codeOf(error, broken)
}

function codeOf(error: unknown, codes: ReadonlySet<string>): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string' && codes.has(at.code)) return at.code
    if (at instanceof AggregateError) {
      const inner = at.errors.map((one) => codeOf(one, codes)).find((code) => code !== undefined)
      if (inner !== undefined) return inner
    }
  }
  return undefined
}
