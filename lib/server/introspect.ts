import type { Client } from '../client/client'
import { OAuthError } from '../error/oauth-error'
import { signJwt } from '../token/sign'
import { required } from './form'
import { isActive, type KnownToken, recogniseToken } from './known-token'
import type { Parts } from './parts'
import type { Received } from './token-request'

/**
 * Introspection (RFC 7662): what a token is worth at this moment. Only the token's own client may ask,
 * and the resource server that the token is for; everybody else is told what is told of no token at
 * all, so that nobody learns of a token that is not for him (CVE-2026-37979).
 */
export type Introspection = { active: false } | ({ active: true } & Record<string, unknown>)

type Needs = Pick<Parts, 'issuer' | 'keys' | 'tokens' | 'clients' | 'accounts' | 'clock'>

/** Throws `OAuthError` `invalid_request` without a token. */
export async function introspect(
  parts: Needs,
  { request }: Received,
  caller: Client,
): Promise<Introspection> {
  const token = await recogniseToken(parts, required(request.parameters, 'token'))
  if (token === undefined || !mayAsk(caller, token)) return { active: false }
  if (!(await isActive(parts, token))) return { active: false }
  return { ...describe(token, parts.issuer), active: true }
}

function mayAsk({ client_id, resource_server }: Client, token: KnownToken): boolean {
  if (token.client_id === client_id) return true
  if (token.kind === 'refresh' || resource_server === undefined) return false
  return [token.claims.aud].flat().includes(resource_server)
}

function describe(token: KnownToken, iss: string): Record<string, unknown> {
  if (token.kind === 'access') return { ...token.claims, token_type: 'Bearer' }
  const { client_id, sub, found } = token
  const { grant, created, expires } = found
  return { iss, sub, client_id, scope: grant.scope, iat: seconds(created), exp: seconds(expires) }
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}

/** RFC 9701: the media type of an answer that the resource server can keep as evidence. */
export const signedIntrospection = 'application/token-introspection+jwt'

/** RFC 9701 section 5: the answer as a JWT for the caller alone; it has no `sub` and no `exp` of its own. */
export function signIntrospection(
  { issuer, keys, clock }: Pick<Parts, 'issuer' | 'keys' | 'clock'>,
  { client_id }: Client,
  token_introspection: Introspection,
): string {
  const key = keys.signing()
  if (key === undefined) {
    throw new OAuthError('temporarily_unavailable', { reason: 'no_signing_key' })
  }
  return signJwt(key, 'token-introspection+jwt', {
    iss: issuer,
    aud: client_id,
    iat: seconds(clock.now()),
    token_introspection,
  })
}
