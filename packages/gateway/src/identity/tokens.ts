import { readFileSync } from 'node:fs'
import { SpandrelError } from '@spandrel/runtime'
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { Problem } from '../problem.ts'
import { remoteKeys } from './remote-keys.ts'

export interface JwtOptions {
  /** URL of a JSON Web Key Set, a file with one, or the set itself */
  readonly jwks: string | JSONWebKeySet
  /** what `iss` must be; absent: any issuer whose token these keys verify */
  readonly issuer?: string
  /** what `aud` must hold; absent: not looked at */
  readonly audience?: string
  /** allowed signature algorithms; the asymmetric ones by default. `none` and shared secrets are never allowed */
  readonly algorithms?: readonly string[]
  /** seconds of disagreement between clocks; 5 by default */
  readonly clockToleranceSeconds?: number
}

const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** A token longer than this is not looked at. */
const maxTokenLength = 8192

/** Verifies tokens against a key set: signature, time, issuer, audience, and that there is a subject. */
export class Tokens {
  readonly #keys: JWTVerifyGetKey
  readonly #options: JwtOptions
  readonly #algorithms: string[]

  constructor(options: JwtOptions) {
    this.#options = options
    this.#algorithms = [...(options.algorithms ?? asymmetric)]
    const wrong = this.#algorithms.find((name) => !(asymmetric as readonly string[]).includes(name))
    if (wrong !== undefined) {
      throw new SpandrelError('wrong-configuration', `the algorithm "${wrong}" is not allowed for tokens`, {
        hint: `allowed are ${asymmetric.join(', ')}`,
      })
    }
    this.#keys = keysOf(options.jwks)
  }

  /** The claims of a valid token, or the refusal. The token itself appears in no message. */
  async verify(token: string): Promise<JWTPayload | Problem> {
    if (token.length > maxTokenLength) return invalid('The token is too long.')
    try {
      return await this.#verify(token)
    } catch (error) {
      return refusalOf(error)
    }
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { issuer, audience, clockToleranceSeconds } = this.#options
    const options = {
      algorithms: this.#algorithms,
      clockTolerance: clockToleranceSeconds ?? 5,
      requiredClaims: ['sub', 'exp'],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    }
    try {
      return (await jwtVerify(token, this.#keys, options)).payload
    } catch (error) {
      // A set with several keys that fit (no `kid`): try each.
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload
        } catch (next) {
          if (!(next instanceof errors.JWSSignatureVerificationFailed)) throw next
        }
      }
      throw new errors.JWSSignatureVerificationFailed()
    }
  }
}

function keysOf(jwks: JwtOptions['jwks']): JWTVerifyGetKey {
  if (typeof jwks !== 'string') return createLocalJWKSet(jwks)
  if (/^https?:\/\//i.test(jwks)) {
    return remoteKeys(new URL(jwks))
  }
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(jwks, 'utf8')) as JSONWebKeySet)
  } catch (cause) {
    throw new SpandrelError('wrong-configuration', `${jwks} cannot be read as a JSON Web Key Set`, { cause })
  }
}

function invalid(detail: string): Problem {
  return new Problem('caller-unknown', { detail })
}

/** A token's own faults are the caller's; everything else is ours: the keys could not be had. */
function refusalOf(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return invalid('The token has expired.')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalid(`The token's claim "${error.claim}" is not the expected one.`)
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return invalid("The token's signature algorithm is not allowed.")
  if (error instanceof errors.JWKSNoMatchingKey) return invalid("The token's key is not known.")
  const ofTheToken =
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  if (ofTheToken) return invalid('The token is not valid.')
  return new Problem('identity-unavailable', {
    detail: 'The keys that verify tokens cannot be had right now.',
    headers: ['retry-after', '5'],
  })
}
