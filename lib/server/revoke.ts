import type { Client } from '../client/client'
import { required } from './form'
import { type KnownToken, recogniseToken } from './known-token'
import type { Parts } from './parts'
import type { Received } from './token-request'

/**
 * Revocation (RFC 7009). Either kind of token ends its whole grant: the refresh tokens at once, the
 * access tokens wherever somebody asks (introspection). A token that is unknown or another client's
 * is answered alike, and nothing happens (section 2.2).
 */
export async function revokeToken(
  parts: Pick<Parts, 'issuer' | 'keys' | 'tokens' | 'clients' | 'accounts' | 'clock' | 'tell'>,
  { request, facts }: Received,
  caller: Client,
): Promise<void> {
  const token = await recogniseToken(parts, required(request.parameters, 'token'))
  if (token === undefined || token.client_id !== caller.client_id) return
  const { grant_id } = token
  const revoked = await parts.tokens.revokeGrant(grant_id, parts.clock.now(), endOf(token))
  if (revoked) parts.tell('revoked', { ...facts, grant_id })
}

/** Until when it must be remembered, for a grant that was never stored: then there is no other token. */
function endOf(token: KnownToken): number {
  return token.kind === 'access' ? token.claims.exp * 1000 : token.found.grant.expires
}
