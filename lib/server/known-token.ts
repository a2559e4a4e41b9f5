import { OAuthError } from '../error/oauth-error'
import { type AccessTokenClaims, verifyIssuedToken } from '../token/access-token'
import { digestOpaque } from '../token/opaque'
import type { FoundRefreshToken } from '../token/token-store'
import type { Parts } from './parts'

/**
 * A token that came back to us, as what it is. The two kinds look different (a JWT has dots, a refresh
 * token has none), so `token_type_hint` is never needed and a wrong one leads nowhere else (RFC 7009
 * section 2.1, RFC 7662 section 2.1).
 */
export type KnownToken =
  | { kind: 'access'; client_id: string; sub: string; grant_id: string; claims: AccessTokenClaims }
  | { kind: 'refresh'; client_id: string; sub: string; grant_id: string; found: FoundRefreshToken }

type Needs = Pick<Parts, 'issuer' | 'keys' | 'tokens' | 'clients' | 'accounts' | 'clock'>

/** Undefined for what is no token of ours, and for an access token that has ended. */
export async function recogniseToken(parts: Needs, token: string): Promise<KnownToken | undefined> {
  return token.includes('.') ? accessToken(parts, token) : refreshToken(parts, token)
}

async function accessToken(parts: Needs, token: string): Promise<KnownToken | undefined> {
  try {
    return knownAccessToken(await verifyIssuedToken(token, parts, parts.clock.now()))
  } catch (cause) {
    if (cause instanceof OAuthError && cause.code === 'invalid_token') return undefined
    throw cause
  }
}

/** The token whose claims these are: verified before. */
export function knownAccessToken(claims: AccessTokenClaims): KnownToken {
  const { client_id, sub, jti } = claims
  return { kind: 'access', client_id, sub, grant_id: grantIdOf(jti), claims }
}

async function refreshToken({ tokens }: Needs, token: string): Promise<KnownToken | undefined> {
  const found = await tokens.findRefreshToken(digestOpaque(token))
  if (found === undefined) return undefined
  const { client_id, sub, grant_id } = found.grant
  return { kind: 'refresh', client_id, sub, grant_id, found }
}

/** Whether it is worth anything now: its own life, its grant, its client and its user are looked at. */
export async function isActive(parts: Needs, token: KnownToken): Promise<boolean> {
  const now = parts.clock.now()
  if (token.kind === 'refresh') {
    const { used, expires, grant } = token.found
    if (used !== undefined || expires <= now || grant.expires <= now) return false
  }
  if (await parts.tokens.isGrantRevoked(token.grant_id)) return false
  const client = await parts.clients.find(token.client_id)
  if (client === undefined || client.disabled) return false
  // A plugin's grant may have subjects that are no accounts of ours.
  const isUser = token.sub !== token.client_id
  return !(isUser && (await parts.accounts.findById(token.sub))?.disabled)
}

/** The part of a `jti` before the dot: so a whole grant can be told inactive without a row per token. */
function grantIdOf(jti: string): string {
  return jti.slice(0, Math.max(0, jti.indexOf('.')))
}
