import type { AccessTokenClaims } from '../token/access-token'
import { invalidToken } from '../token/verify'
import { isActive, knownAccessToken } from './known-token'

/** `/oauth2/userinfo` (OpenID Connect Core section 5.3): who the token speaks for. */
export interface UserInfo {
  sub: string
  preferred_username: string
}

/**
 * `claims`: of a token that was verified and is bound to the caller's certificate. A token whose grant,
 * client or user has ended since is `invalid_token` here at once, since here we can know.
 */
export async function answerUserinfo(
  parts: Parameters<typeof isActive>[0],
  claims: AccessTokenClaims,
): Promise<UserInfo> {
  if (!(await isActive(parts, knownAccessToken(claims)))) throw invalidToken('grant_revoked')
  const account = await parts.accounts.findById(claims.sub)
  if (account === undefined) throw invalidToken('token_of_nobody')
  return { sub: claims.sub, preferred_username: account.username }
}
