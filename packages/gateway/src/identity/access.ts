import type { Expression, HttpOperation, SecurityScheme } from '@spandrel/contract'
import { SpandrelError } from '@spandrel/runtime'
import { Problem } from '../problem.ts'
import type { TrustedAddresses } from '../proxy/forwarded.ts'
import { at } from '../validation/idempotency-key.ts'
import { decodeForm, parseCookies, parseQuery } from '../validation/query.ts'
import type { ApiKeys } from './api-keys.ts'
import { callerText, maxCallerLength } from './caller.ts'
import type { Tokens } from './tokens.ts'

/** What the gateway can check, put together from its options once. */
export interface Verifiers {
  readonly tokens: Tokens | undefined
  readonly apiKeys: ApiKeys | undefined
  readonly trusted: { readonly header: string; readonly from: TrustedAddresses } | undefined
  /** the claim that names the subject; `sub` by default */
  readonly subject: Expression | undefined
  /** named in challenges */
  readonly realm: string
}

/** The parts of a request that credentials come from. */
export interface Credentials {
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  readonly query: string
  readonly headers: ReadonlyMap<string, string>
  /** the peer's address */
  readonly peer: string
}

export interface Identity {
  readonly caller: string
  /** of a token; for `$request.jwt` expressions */
  readonly claims: unknown
}

/** One credential of one alternative. undefined: none was presented. */
type Proof = (credentials: Credentials) => Promise<Identity | Problem> | undefined

/**
 * The access rule of one operation. An alternative holds when all its credentials do; the first that holds says who
 * calls. Credentials that were presented and are wrong are refused even where none are needed: a caller whose token
 * has expired must not become an anonymous one.
 */
export class AccessRule {
  readonly #alternatives: readonly (readonly Proof[])[]
  readonly #optional: boolean
  readonly #challenge: string
  readonly #trusted: Verifiers['trusted']

  /** Throws `wrong-configuration` where the contract demands what this gateway is not configured to check. */
  constructor(operation: HttpOperation, verifiers: Verifiers) {
    this.#optional = operation.security.length === 0 || operation.security.some(({ schemes }) => schemes.length === 0)
    this.#trusted = verifiers.trusted
    const needed = operation.security.filter(({ schemes }) => schemes.length > 0)
    this.#alternatives = needed.map(({ schemes }) =>
      schemes.map(({ scheme, scopes }) => proofOf(operation, scheme, scopes, verifiers)),
    )
    const challenges = needed.flatMap(({ schemes }) =>
      schemes.map(({ scheme }) => challengeOf(scheme, verifiers.realm)),
    )
    this.#challenge = [...new Set(challenges)].join(', ')
  }

  /** Nothing to ask and nobody to believe: the request needs no look at its credentials. */
  get isOpen(): boolean {
    return this.#alternatives.length === 0 && this.#trusted === undefined
  }

  async identify(credentials: Credentials): Promise<Identity | Problem | undefined> {
    const proxied = this.#proxied(credentials)
    if (proxied !== undefined) return proxied
    let refusal: Problem | undefined
    for (const proofs of this.#alternatives) {
      // Credentials are looked at one after the other: a missing one spares the work for the rest.
      const outcome = await holds(proofs, credentials)
      if (outcome instanceof Problem) refusal = heavier(refusal, outcome)
      else if (outcome !== undefined) return outcome
    }
    if (refusal !== undefined) return this.#challenged(refusal)
    if (this.#optional) return undefined
    return this.#challenged(new Problem('caller-unknown', { detail: 'This operation needs credentials.' }))
  }

  #proxied({ headers, peer }: Credentials): Identity | Problem | undefined {
    if (this.#trusted === undefined || !this.#trusted.from.has(peer)) return undefined
    const name = headers.get(this.#trusted.header)?.trim()
    if (name === undefined || name === '') return undefined
    return bounded({ caller: callerText({ proxy: name }), claims: undefined })
  }

  #challenged(problem: Problem): Problem {
    if (problem.status !== 401 || this.#challenge === '') return problem
    const before = problem.details.headers ?? []
    if (before.includes('www-authenticate')) return problem
    const challenge =
      problem.details.detail?.startsWith('The token') === true
        ? this.#challenge.replace(/^Bearer realm="[^"]*"/, (bearer) => `${bearer}, error="invalid_token"`)
        : this.#challenge
    return new Problem(problem.kind, { ...problem.details, headers: [...before, 'www-authenticate', challenge] })
  }
}

async function holds(proofs: readonly Proof[], credentials: Credentials): Promise<Identity | Problem | undefined> {
  const pending: (() => Promise<Identity | Problem>)[] = []
  let first: Identity | undefined
  let missing = false
  for (const proof of proofs) {
    const outcome = proof(credentials)
    if (outcome === undefined) missing = true
    else pending.push(() => outcome)
  }
  for (const next of pending) {
    const outcome = await next()
    if (outcome instanceof Problem) return outcome
    first ??= outcome
  }
  return missing ? undefined : first
}

/** Of several refusals the one that says most: our own trouble, then "not allowed", then "not known". */
function heavier(before: Problem | undefined, next: Problem): Problem {
  return before === undefined || next.status > before.status ? next : before
}

function proofOf(
  operation: HttpOperation,
  scheme: SecurityScheme,
  scopes: readonly string[],
  verifiers: Verifiers,
): Proof {
  const where = `${operation.service}.${operation.operation}`
  if (scheme.type === 'apiKey') {
    const { apiKeys } = verifiers
    if (apiKeys === undefined) throw unconfigured(where, scheme, 'no API keys are configured', 'gateway.apiKeys')
    return apiKeyProof(scheme, apiKeys)
  }
  const bearer =
    scheme.type === 'oauth2' ||
    scheme.type === 'openIdConnect' ||
    (scheme.type === 'http' && scheme.scheme === 'bearer')
  if (!bearer) {
    if (verifiers.trusted !== undefined) return () => undefined
    throw unconfigured(where, scheme, `the gateway cannot check ${scheme.scheme ?? scheme.type}`, 'gateway.trusted')
  }
  const { tokens } = verifiers
  if (tokens === undefined) {
    if (verifiers.trusted !== undefined) return () => undefined
    throw unconfigured(where, scheme, 'no key set is configured', 'gateway.jwt')
  }
  return ({ authorization }) => {
    const token =
      authorization === undefined ? undefined : /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization)?.[1]
    if (token === undefined) return undefined
    return tokenProof(token, tokens, scopes, verifiers)
  }
}

async function tokenProof(
  token: string,
  tokens: Tokens,
  scopes: readonly string[],
  { subject, realm }: Verifiers,
): Promise<Identity | Problem> {
  const claims = await tokens.verify(token)
  if (claims instanceof Problem) return claims
  const granted = new Set(scopesOf(claims['scope'] ?? claims['scp']))
  const lacking = scopes.filter((scope) => !granted.has(scope))
  if (lacking.length > 0) {
    return new Problem('forbidden', {
      detail: `The token lacks the scope ${lacking.join(', ')}.`,
      headers: ['www-authenticate', `Bearer realm="${realm}", error="insufficient_scope", scope="${scopes.join(' ')}"`],
    })
  }
  const name = subject?.source === 'request.jwt' ? at(claims, subject.pointer) : claims.sub
  if (typeof name !== 'string' || name === '') {
    return new Problem('caller-unknown', { detail: 'The token does not say who the caller is.' })
  }
  return bounded({ caller: callerText({ issuer: claims.iss, subject: name }), claims })
}

function apiKeyProof(scheme: SecurityScheme, apiKeys: ApiKeys): Proof {
  const name = scheme.parameter ?? ''
  const header = name.toLowerCase()
  const present = ({ headers, query, cookie }: Credentials): string | undefined => {
    if (scheme.in === 'header') return headers.get(header)
    if (scheme.in === 'cookie') return parseCookies(cookie ?? '').find(([other]) => other === name)?.[1]
    const raw = parseQuery(query).find(([other]) => other === name)?.[1]
    return raw === undefined ? undefined : decodeForm(raw)
  }
  return (credentials) => {
    const key = present(credentials)
    if (key === undefined || key === '') return undefined
    const id = apiKeys.find(key)
    if (id === undefined) return Promise.resolve(new Problem('caller-unknown', { detail: 'The API key is not known.' }))
    return Promise.resolve(bounded({ caller: callerText({ apiKey: id }), claims: undefined }))
  }
}

function bounded(identity: Identity): Identity | Problem {
  if (identity.caller.length <= maxCallerLength) return identity
  return new Problem('caller-unknown', { detail: `The caller's name is longer than ${maxCallerLength} characters.` })
}

function scopesOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) ? claim.filter((scope) => typeof scope === 'string') : []
}

function challengeOf(scheme: SecurityScheme, realm: string): string {
  if (scheme.type === 'apiKey')
    return `ApiKey realm="${realm}", in="${scheme.in ?? 'header'}", name="${scheme.parameter ?? ''}"`
  return `Bearer realm="${realm}"`
}

function unconfigured(operation: string, scheme: SecurityScheme, why: string, what: string): SpandrelError {
  return new SpandrelError(
    'wrong-configuration',
    `${operation} needs the security scheme "${scheme.name}", and ${why}`,
    {
      hint: `set ${what} in spandrel.yaml, or options.auth of createGateway`,
    },
  )
}
