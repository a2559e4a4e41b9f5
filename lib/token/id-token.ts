import type { SigningKey } from './key-files'
import { signJwt } from './sign'
import { invalidToken, type VerificationKeys, verifyJwt } from './verify'

/**
 * OpenID Connect Core section 2: who logged in, told to the client. It says no more than that (name and
 * the like come from userinfo), is meant for the client alone, and is no token for any resource.
 */
export interface IdTokenClaims {
  iss: string
  sub: string
  /** The client. */
  aud: string
  iat: number
  exp: number
  /** When the user gave the password; seconds. */
  auth_time: number
  nonce?: string
}

export function signIdToken(key: SigningKey, claims: IdTokenClaims): string {
  return signJwt(key, 'JWT', { ...claims })
}

/**
 * The claims of an `id_token_hint` (RP-Initiated Logout section 2): one that we issued, ended or not.
 * Throws `OAuthError` `invalid_token`.
 */
export async function verifyIdTokenHint(
  hint: string,
  { issuer, keys, now }: { issuer: string; keys: VerificationKeys; now: number },
): Promise<{ sub: string; aud: string }> {
  const { iss, sub, aud } = await verifyJwt(hint, { typ: /^JWT$/, keys, now, mayHaveEnded: true })
  if (iss !== issuer) throw invalidToken('token_issuer')
  if (typeof sub !== 'string' || typeof aud !== 'string') throw invalidToken('token_malformed')
  return { sub, aud }
}
