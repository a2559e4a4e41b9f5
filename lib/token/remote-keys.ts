import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { OAuthError } from '../error/oauth-error'
import { boundedRequest } from './bounded-request'
import type { SigningAlgorithm } from './key-files'
import type { VerificationKey, VerificationKeys } from './verify'

export interface RemoteKeysOptions {
  /** CA certificates, PEM, for a server that no public CA stands for. */
  ca?: string | readonly string[]
  /** Seconds that a fetched set is used without asking again. */
  maxAge?: number
  /** Seconds between two fetches for kids that nobody knows. */
  cooldown?: number
}

/**
 * The keys of an authorization server elsewhere, by its `jwks_uri`: fetched when first needed, kept,
 * and fetched again for an unknown kid, but not more often than each `cooldown`, so that made-up kids
 * cost nobody anything. A fetch that fails is 503 unless the key is known from an earlier one.
 *
 * @example
 * requireToken({ issuer, keys: remoteKeys('https://id.example/oauth2/jwks') })
 */
export function remoteKeys(jwks_uri: string, options: RemoteKeysOptions = {}): VerificationKeys {
  const url = new URL(jwks_uri)
  if (url.protocol !== 'https:') throw new TypeError('jwks_uri must be an https URL.')
  const { maxAge = 300, cooldown = 1, ca } = options
  let keys = new Map<string, VerificationKey>()
  let fetched = Number.NEGATIVE_INFINITY
  let failure: unknown
  let underWay: Promise<void> | undefined

  const refresh = async () => {
    try {
      keys = readSet(await boundedRequest(url, { headers, ca }))
      failure = undefined
    } catch (cause) {
      failure = cause
    }
    fetched = performance.now()
    underWay = undefined
  }

  return {
    async find(kid) {
      const age = (performance.now() - fetched) / 1000
      if (age > (keys.has(kid) ? maxAge : cooldown)) {
        underWay ??= refresh()
        await underWay
      }
      const key = keys.get(kid)
      if (key === undefined && failure !== undefined) throw unavailable(failure)
      return key
    },
  }
}

const headers = { accept: 'application/jwk-set+json, application/json' }
const maxKeys = 100

function readSet(text: string): Map<string, VerificationKey> {
  const set: unknown = JSON.parse(text)
  const list = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  if (!Array.isArray(list)) throw new Error('That is no JWK Set.')
  const found = new Map<string, VerificationKey>()
  for (const jwk of list.slice(0, maxKeys) as JsonWebKey[]) {
    const key = readKey(jwk)
    if (key !== undefined) found.set(key.kid, key)
  }
  return found
}

/** RFC 7517 section 5: a key that can't be used is passed over, not an error. */
function readKey(jwk: JsonWebKey): VerificationKey | undefined {
  try {
    const { kid, use = 'sig' } = jwk
    if (typeof kid !== 'string' || use !== 'sig') return undefined
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    const alg = algorithmOf(jwk, publicKey)
    return alg === undefined ? undefined : { kid, alg, publicKey }
  } catch {
    return undefined
  }
}

/** A set may leave `alg` out; then a key has the algorithm that its kind is most used with, and that alone. */
function algorithmOf(
  { kty, crv = '', alg }: JsonWebKey,
  { asymmetricKeyDetails }: KeyObject,
): SigningAlgorithm | undefined {
  const fitting: readonly SigningAlgorithm[] =
    kty === 'RSA' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
      ? ['RS256', 'PS256']
      : kty === 'EC'
        ? (curves[crv] ?? [])
        : []
  return alg === undefined ? fitting[0] : fitting.find((each) => each === alg)
}

const curves: Readonly<Record<string, readonly SigningAlgorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
}

function unavailable(cause: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'no_signing_key', cause })
}
