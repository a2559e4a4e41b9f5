import { type JwtPayload, verify } from 'jsonwebtoken'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import type { Keys, SigningKey } from './keys'
import { signJwt } from './sign'

/**
 * Access tokens are JWTs of RFC 9068, bound to the client's certificate by `cnf.x5t#S256`
 * (RFC 8705 section 3.1). Issuing one writes nothing.
 */
export interface AccessTokenClaims {
  iss: string
  sub: string
  aud: string | readonly string[]
  client_id: string
  /** The grant's id, a dot, a random part: a whole grant can be told inactive without a write per token. */
  jti: string
  iat: number
  exp: number
  scope?: string
  cnf?: { 'x5t#S256': string }
  [claim: string]: unknown
}

/** `typ` of RFC 9068 section 2.1: no other JWT of ours can pass for an access token. */
export const accessTokenType = 'at+jwt'

/** Claims that only the issuer sets. */
export const registeredClaims: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'client_id',
  'jti',
  'iat',
  'nbf',
  'exp',
  'scope',
  'cnf',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'act',
  'may_act',
  'token_introspection',
  'active',
  'token_type',
  'username',
])

/** Seconds that clocks may differ. */
const skew = 30

/** Longer than any token of ours; a longer one is refused unread. */
const maxLength = 8192

export function signAccessToken(key: SigningKey, claims: AccessTokenClaims): string {
  return signJwt(key, accessTokenType, claims)
}

export interface Expected {
  issuer: string
  audience: string
  keys: Pick<Keys, 'find'> | { find(kid: string): Promise<VerificationKey | undefined> }
}

export type VerificationKey = Pick<SigningKey, 'kid' | 'alg' | 'publicKey'>

/**
 * The claims of a token that is ours, for this audience and not over.
 * Throws `OAuthError` `invalid_token`. Binding and scope are judged by others.
 */
export async function verifyAccessToken(
  token: string,
  expected: Expected,
  now: number,
): Promise<AccessTokenClaims> {
  const { kid, alg, typ } = readHeader(token)
  // RFC 9068 section 4: typ first, so that an id token or a client assertion never gets further.
  if (!/^(application\/)?at\+jwt$/i.test(typ)) throw invalidToken('token_type')
  const key = await expected.keys.find(kid)
  // RFC 8725 section 3.1: the key says which algorithm it is for, never the token.
  if (key === undefined || key.alg !== alg) throw invalidToken('token_signature')
  const claims = verifySignature(token, key, now)

  if (claims.iss !== expected.issuer) throw invalidToken('token_issuer')
  if (![claims.aud ?? []].flat().includes(expected.audience)) throw invalidToken('token_audience')
  if (typeof claims.exp !== 'number') throw invalidToken('token_malformed')
  if (typeof claims.sub !== 'string' || typeof claims.jti !== 'string') {
    throw invalidToken('token_malformed')
  }
  return claims as AccessTokenClaims
}

export function invalidToken(reason: RefusalReason, cause?: unknown): OAuthError {
  return new OAuthError('invalid_token', { reason, cause })
}

function readHeader(token: string): { kid: string; alg: string; typ: string } {
  if (token.length > maxLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
    throw invalidToken('token_malformed')
  }
  try {
    const header: unknown = JSON.parse(
      Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString(),
    )
    const { kid, alg, typ, crit } = header as Record<string, unknown>
    // RFC 7515 section 4.1.11: an extension that we don't know must be understood, so we refuse.
    if (crit === undefined && typeof kid === 'string' && typeof alg === 'string') {
      return { kid, alg, typ: typeof typ === 'string' ? typ : '' }
    }
  } catch (cause) {
    throw invalidToken('token_malformed', cause)
  }
  throw invalidToken('token_malformed')
}

function verifySignature(token: string, key: VerificationKey, now: number): JwtPayload {
  try {
    const claims = verify(token, key.publicKey, {
      algorithms: [key.alg],
      clockTolerance: skew,
      clockTimestamp: Math.floor(now / 1000),
    })
    if (typeof claims === 'object') return claims
  } catch (cause) {
    const expired = ['TokenExpiredError', 'NotBeforeError'].includes((cause as Error).name)
    throw invalidToken(expired ? 'token_expired' : 'token_signature', cause)
  }
  throw invalidToken('token_malformed')
}
