import type { SigningKey } from './key-files'
import { signJwtAside } from './sign'
import { invalidToken, type VerificationKeys, verifyJwt } from './verify'

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

export function signAccessToken(
  key: SigningKey,
  claims: AccessTokenClaims,
): string | Promise<string> {
  return signJwtAside(key, accessTokenType, claims)
}

export interface Expected {
  issuer: string
  audience: string
  keys: VerificationKeys
}

/**
 * The claims of a token of this issuer, for this audience and not over.
 * Throws `OAuthError` `invalid_token`. Binding and scope are judged by others.
 */
export async function verifyAccessToken(
  token: string,
  { audience, ...expected }: Expected,
  now: number,
): Promise<AccessTokenClaims> {
  const claims = await verifyIssuedToken(token, expected, now)
  if (![claims.aud ?? []].flat().includes(audience)) throw invalidToken('token_audience')
  return claims
}

/** The same for any audience: what an authorization server asks of a token that it issued itself. */
export async function verifyIssuedToken(
  token: string,
  { issuer, keys }: Omit<Expected, 'audience'>,
  now: number,
): Promise<AccessTokenClaims> {
  const claims = await verifyJwt(token, { typ, keys, now })
  if (claims.iss !== issuer) throw invalidToken('token_issuer')
  if (typeof claims.sub !== 'string' || typeof claims.jti !== 'string') {
    throw invalidToken('token_malformed')
  }
  return claims as AccessTokenClaims
}

/** RFC 9068 section 4. */
const typ = /^(application\/)?at\+jwt$/i
