import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'

export interface RemoteKeysOptions {
  /** after this the set is fetched again, while the old one still serves; 10 minutes by default */
  readonly refreshMs?: number
  /** after this without a successful fetch nothing is verified any more; 12 hours by default */
  readonly staleMs?: number
  /** between two fetches that something asked for, successful or not; 30 s by default, 1 s after a failure */
  readonly cooldownMs?: number
}

/** The keys cannot be had: our trouble, not the token's. */
class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/**
 * A key set behind a URL. States:
 *   empty  nothing fetched yet: a token waits for the fetch; for a second after a failed one it is refused at once
 *   fresh  tokens are verified from memory; an unknown key asks for one fetch per cooldown
 *   old    as fresh, and one fetch runs in the background: an identity provider that is down does not log everybody out
 *   stale  as empty
 */
export function remoteKeys(url: URL, options: RemoteKeysOptions = {}): JWTVerifyGetKey {
  const { refreshMs = 600_000, staleMs = 12 * 3_600_000, cooldownMs = 30_000 } = options
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: 5000,
    cooldownDuration: cooldownMs,
    cacheMaxAge: Number.POSITIVE_INFINITY,
  })
  let fetched = Number.NEGATIVE_INFINITY
  let failed = Number.NEGATIVE_INFINITY
  let attempted = Number.NEGATIVE_INFINITY

  const reload = async (): Promise<void> => {
    attempted = performance.now()
    try {
      await keys.reload()
      fetched = performance.now()
    } catch (cause) {
      failed = performance.now()
      throw new KeysUnavailable(`the key set at ${url.origin}${url.pathname} cannot be fetched`, { cause })
    }
  }

  return async (header, token) => {
    const age = performance.now() - fetched
    if (age > staleMs) {
      if (performance.now() - failed < 1000) throw new KeysUnavailable('the last fetch has just failed')
      await reload()
    } else if (age > refreshMs && performance.now() - attempted > cooldownMs) {
      reload().catch(() => {})
    }
    return keys(header, token)
  }
}
