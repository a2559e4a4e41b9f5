import type { AccessTokenClaims } from '../token/access-token'
import { invalidToken } from '../token/verify'
import type { Parts } from './parts'

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
  { accounts, clients, tokens }: Pick<Parts, 'accounts' | 'clients' | 'tokens'>,
  { sub, client_id, jti }: AccessTokenClaims,
): Promise<UserInfo> {
  const [account, client, revoked] = await Promise.all([
    accounts.findById(sub),
    clients.find(client_id),
    tokens.isGrantRevoked(jti.slice(0, jti.indexOf('.'))),
  ])
  if (revoked || client === undefined || client.disabled) throw invalidToken('grant_revoked')
  if (account === undefined || account.disabled) throw invalidToken('token_of_nobody')
  return { sub, preferred_username: account.username }
}
