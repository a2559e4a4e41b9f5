import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { request } from 'node:https'
import { OAuthError } from '../error/oauth-error'
import type { SigningAlgorithm } from './key-files'
import type { VerificationKey } from './verify'

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
export function remoteKeys(
  jwks_uri: string,
  options: RemoteKeysOptions = {},
): { find(kid: string): Promise<VerificationKey | undefined> } {
  const url = new URL(jwks_uri)
  if (url.protocol !== 'https:') throw new TypeError('jwks_uri must be an https URL.')
  const { maxAge = 300, cooldown = 10 } = options
  let keys = new Map<string, VerificationKey>()
  let fetched = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined

  const refresh = async () => {
    try {
      keys = readSet(await fetchText(url, options.ca))
    } finally {
      fetched = performance.now()
      underWay = undefined
    }
  }

  return {
    async find(kid) {
      const age = (performance.now() - fetched) / 1000
      if (age > (keys.has(kid) ? maxAge : cooldown)) {
        underWay ??= refresh()
        await underWay.catch((cause: unknown) => {
          if (!keys.has(kid)) throw unavailable(cause)
        })
      }
      return keys.get(kid)
    },
  }
}

const timeout = 2_000
const maxBytes = 262_144
const maxKeys = 100

function fetchText(url: URL, ca: RemoteKeysOptions['ca']): Promise<string> {
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      { timeout, headers: { accept: 'application/json' }, ...(ca && { ca: [ca].flat() }) },
      (res) => {
        let text = ''
        res.setEncoding('utf8')
        res.on('data', (chunk: string) => {
          text += chunk
          if (text.length > maxBytes) req.destroy(new Error('The key set is too large.'))
        })
        res.once('end', () => {
          if (res.statusCode === 200) resolve(text)
          else reject(new Error(`The key set was answered with ${res.statusCode}.`))
        })
        res.once('error', reject)
      },
    )
    req.once('timeout', () => req.destroy(new Error('The key set did not come in time.')))
    req.once('error', reject)
    req.end()
  })
}

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
  const { kid, alg, use = 'sig' } = jwk
  if (typeof kid !== 'string' || use !== 'sig' || !isAlgorithm(alg)) return undefined
  try {
    return { kid, alg, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }
  } catch {
    return undefined
  }
}

function isAlgorithm(alg: unknown): alg is SigningAlgorithm {
  return alg === 'ES256' || alg === 'ES384' || alg === 'RS256' || alg === 'PS256'
}

function unavailable(cause: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'no_signing_key', cause })
}
