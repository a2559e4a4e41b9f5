import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import { digestOpaque, newOpaqueToken } from '../token/opaque'
import { successorOf } from '../token/successor'
import type { FoundRefreshToken } from '../token/token-store'
import type { Parts } from './parts'
import type { Received } from './token-request'

/**
 * What follows on a refresh token. Each is used once (RFC 9700 section 4.14.2): one that comes again is
 * in two hands, nobody can tell thief from owner, and so the whole family ends.
 *
 * `[oauth.token_renewal] grace` makes one exception, for an answer that got lost: for so many seconds the
 * old token brings the same successor again, as long as that was not used itself. There are never two.
 */
type Needs = Pick<Parts, 'keys' | 'tokens' | 'clock' | 'settings' | 'tell'>

/** The token that takes the place of `found`; with a grace, one that can be told again. */
export function nextRefreshToken(
  { keys, settings }: Needs,
  received: Received,
  found: FoundRefreshToken,
): string {
  const presented = presentedAs(found, received)
  const key = keys.signing()
  if (settings.grace === 0 || presented === undefined || key === undefined) return newOpaqueToken()
  return successorOf(presented, key)
}

/** The successor that a used token brought, once more. Throws `invalid_grant` and ends the family otherwise. */
export async function repeatRenewal(
  parts: Needs,
  received: Received,
  found: FoundRefreshToken,
): Promise<string> {
  const successor = withinGrace(parts, found)
    ? await unusedSuccessor(parts, received, found)
    : undefined
  if (successor !== undefined) return successor
  await endGrant(parts, received, found.grant)
  throw invalidGrant('refresh_token_used')
}

/** The same when a commit was refused: another request was first, or the grant has ended meanwhile. */
export async function resolveConflict(
  parts: Needs,
  received: Received,
  { digest }: FoundRefreshToken,
): Promise<string> {
  const found = await parts.tokens.findRefreshToken(digest)
  if (found === undefined) throw invalidGrant('unknown_refresh_token')
  if (found.grant.revoked !== undefined) throw invalidGrant('grant_revoked')
  if (found.used === undefined) throw invalidGrant('refresh_token_expired')
  return repeatRenewal(parts, received, found)
}

/** The token itself, of which the store has the digest alone. */
function presentedAs({ digest }: FoundRefreshToken, { request }: Received): string | undefined {
  const { refresh_token } = request.parameters
  return refresh_token !== undefined && digestOpaque(refresh_token) === digest
    ? refresh_token
    : undefined
}

/** A clock that was set back must not make the window longer. */
function withinGrace({ settings, clock }: Needs, { used }: FoundRefreshToken): boolean {
  if (settings.grace === 0 || used === undefined) return false
  return Math.abs(clock.now() - used) <= settings.grace * 1000
}

/** Each published key is tried: the one that made the successor may have been replaced since. */
async function unusedSuccessor(
  { keys, tokens }: Needs,
  received: Received,
  found: FoundRefreshToken,
): Promise<string | undefined> {
  const presented = presentedAs(found, received)
  if (presented === undefined) return undefined
  for (const key of keys.published()) {
    const successor = successorOf(presented, key)
    const stored = await tokens.findRefreshToken(digestOpaque(successor))
    // A successor that was used has arrived: then no answer got lost.
    if (stored?.grant_id === found.grant_id)
      return stored.used === undefined ? successor : undefined
  }
  return undefined
}

/** Ends all that a grant brought. Of many requests that want it at once one does, and one event tells. */
export async function endGrant(
  { tokens, clock, tell }: Pick<Parts, 'tokens' | 'clock' | 'tell'>,
  { facts }: Received,
  { grant_id, expires }: { grant_id: string; expires: number },
): Promise<void> {
  if (await tokens.revokeGrant(grant_id, clock.now(), expires)) {
    tell('reuseDetected', { ...facts, grant_id })
  }
}

function invalidGrant(reason: RefusalReason): OAuthError {
  return new OAuthError('invalid_grant', { reason })
}
