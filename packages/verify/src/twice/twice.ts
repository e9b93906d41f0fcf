/**
 * `spandrel twice`: what happens if an endpoint receives the same request a second time? Needs no contract and no
 * library in the target, and judges from answers alone.
 */
import { isAllowedHost } from '../wire/allowed-host.ts'
import { Secrets, withoutCookies } from '../history/secrets.ts'
import { type Exchange, type Outgoing, withHeader } from '../wire/outgoing.ts'
import { changeBody, type Changed } from './change-body.ts'
import { conclude } from './conclude.ts'
import { RequestUnclear } from './curl.ts'
import { type ReadTrial, readTrial } from './read-trial.ts'
import { thingOf } from './thing.ts'
import { type Trial, type TrialOptions, Trials } from './trial.ts'

export interface TwiceOptions extends TrialOptions {
  /** hosts besides this machine that may be called */
  allow?: readonly string[]
  /** the body of the request that changes it; default: one value of the body is changed */
  changedBody?: string
  /** told before each trial, for a progress line */
  onTrial?: (words: string) => void
}

export interface TwiceReport {
  /** of this report's shape */
  readonly version: 1
  readonly request: { readonly method: string; readonly url: string }
  /** how many requests were sent */
  readonly sent: number
  readonly keyHeader: string
  readonly withoutKey: readonly ReadTrial[]
  readonly withKey: readonly ReadTrial[]
  /** plain sentences */
  readonly conclusion: readonly string[]
  /**
   * `unsafe`: even with a key a second request made a second thing. `safe`: with a key, no answer told of a second one.
   * `unclear`: the answers do not tell. `failed`: no request succeeded, so there was nothing to compare.
   */
  readonly verdict: 'unsafe' | 'safe' | 'unclear' | 'failed'
  /** why the body was not changed, where it was not */
  readonly unchanged?: string
}

/** Throws `RequestUnclear` where the host is not allowed. Credentials are sent and not told again. */
export async function twice(given: Outgoing, options: TwiceOptions = {}): Promise<TwiceReport> {
  // Answers are read and compared: packed ones could not be. A browser's curl line always asks for them.
  const request = { ...given, headers: withHeader(given.headers, 'Accept-Encoding', undefined) }
  const { host, hostname } = new URL(request.url)
  if (!(await isAllowedHost(request.url, options.allow))) {
    throw new RequestUnclear(
      `${host} is not on this machine, and these requests create things`,
      `if it is yours and meant for tests: --allow ${hostname}`,
    )
  }
  const keyHeader = options.keyHeader ?? 'Idempotency-Key'
  const thing = thingOf(request.url)
  const trials = new Trials(request, options)
  const tell = options.onTrial ?? (() => {})
  const read = (trial: Trial): ReadTrial => readTrial(trial, thing)

  const withoutKey: ReadTrial[] = []
  tell('one after the other, without a key')
  withoutKey.push(read(await trials.sequence(false)))
  // A server that refuses requests without a key is still worth asking with one.
  if (withoutKey[0]!.reading !== 'failed') {
    tell('both at once, without a key')
    withoutKey.push(read(await trials.atOnce(false)))
  }
  const withKey: ReadTrial[] = []
  tell('one after the other, with a key')
  withKey.push(read(await trials.sequence(true)))
  let unchanged: string | undefined
  if (withKey[0]!.reading !== 'failed') {
    tell('both at once, with a key')
    withKey.push(read(await trials.atOnce(true)))
    const changed = changeOf(request, options.changedBody)
    if (typeof changed === 'string') unchanged = changed
    else {
      tell('the body changed, with the same key')
      withKey.push(read(await trials.changedBody(changed)))
    }
  }
  const secrets = new Secrets()
  secrets.mask(request.headers)
  return secrets.cleaned<TwiceReport>({
    version: 1,
    request: { method: request.method, url: secrets.maskUrl(request.url) },
    sent: (withoutKey.length + withKey.length) * 2,
    keyHeader,
    withoutKey: withoutKey.map(withoutSetCookie),
    withKey: withKey.map(withoutSetCookie),
    ...conclude({ method: request.method, thing, keyHeader, withoutKey, withKey }),
    ...(unchanged !== undefined && { unchanged }),
  })
}

function withoutSetCookie(one: ReadTrial): ReadTrial {
  const [first, second] = one.trial.exchanges
  return { ...one, trial: { ...one.trial, exchanges: [hidden(first), hidden(second)] } }
}

function hidden(exchange: Exchange): Exchange {
  const { outcome } = exchange
  if (outcome.kind !== 'answer') return exchange
  const { answer } = outcome
  const cookies = answer.headers['set-cookie']
  if (cookies === undefined) return exchange
  const headers = { ...answer.headers, 'set-cookie': withoutCookies(cookies) }
  return { ...exchange, outcome: { kind: 'answer', answer: { ...answer, headers } } }
}

function changeOf(request: Outgoing, given: string | undefined): Changed | string {
  if (given !== undefined) return { body: given, where: 'the body', from: request.body ?? '', to: given }
  if (request.body === undefined) return 'there is no body to change'
  return changeBody(request) ?? 'the body is neither JSON nor a form: give another one with --changed-data'
}
