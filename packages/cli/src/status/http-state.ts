/** Whether a service answers over HTTP, and what it says of itself where it is one of ours. */
export interface HttpState {
  url: string
  /** `answers`: somebody is there who has no `/.spandrel/` */
  state: 'ready' | 'not ready' | 'answers' | 'unreachable'
  /** of health, where we may read it: ok, failing, stopping … */
  health?: string
  /** loops that failed and have not succeeded since */
  failing?: readonly { loop: string; message: string }[]
  /** why it cannot be reached, or why health was not read */
  why?: string
}

interface Loop {
  lastSuccess: number | null
  lastError: { at: number; message: string } | null
}

const answerMs = 3000

/** The token is shown to nobody but those who answer as ours do. */
export async function httpState(url: string, token: string | undefined): Promise<HttpState> {
  const base = url.replace(/\/$/, '')
  try {
    const ready = await get(`${base}/.spandrel/ready`)
    const word = (await ready.text()).trim()
    const state = /^(?:ready|\{"status":"ready"\})$/.test(word)
      ? 'ready'
      : /^(?:stopping|\{"status":"not ready"\})$/.test(word)
        ? 'not ready'
        : 'answers'
    if (state === 'answers') return { url: base, state }
    const health = await get(`${base}/.spandrel/health`, token)
    if (health.status !== 200) {
      await health.body?.cancel()
      return { url: base, state, why: 'its health is not for us: set SPANDREL_MANAGEMENT_TOKEN' }
    }
    const { status, loops = {} } = (await health.json()) as { status?: string; loops?: Record<string, Loop> }
    const failing = Object.entries(loops).flatMap(([loop, { lastSuccess, lastError }]) =>
      lastError !== null && lastError.at > (lastSuccess ?? 0) ? [{ loop, message: lastError.message }] : [],
    )
    return { url: base, state, ...(status !== undefined && { health: status }), ...(failing.length > 0 && { failing }) }
  } catch (error) {
    return { url: base, state: 'unreachable', why: reason(error) }
  }
}

function get(url: string, token?: string): Promise<Response> {
  const headers = token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }
  return fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(answerMs) })
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  if (cause.name === 'TimeoutError') return `no answer in ${answerMs / 1000} s`
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : undefined
  return cause.message || (inner instanceof Error ? inner.message : cause.name)
}
