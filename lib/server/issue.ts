import type { Client } from '../client/client'
import { OAuthError } from '../error/oauth-error'
import type { Decision } from '../plugin/plugin'
import { type AccessTokenClaims, registeredClaims, signAccessToken } from '../token/access-token'
import { signIdToken } from '../token/id-token'
import { digestOpaque, newId, newOpaqueToken } from '../token/opaque'
import type { FoundCode, FoundRefreshToken, Grant, Issue } from '../token/token-store'
import type { Parts } from './parts'
import { endGrant, nextRefreshToken, repeatRenewal, resolveConflict } from './renew'
import { grantAudience, grantScope } from './scope'
import type { TokenAnswer } from './token-answer'
import type { Received } from './token-request'

/**
 * The one place that makes tokens. A decision becomes an answer in one commit: what it uses up is used
 * up, what it issues is stored, and only then is anything answered. If the commit says that somebody
 * else was first, nothing is issued and the whole grant is revoked (RFC 9700 section 4.14.2).
 */
export interface Issued {
  answer: TokenAnswer
  sub: string
  scope: string
  jti: string
}

type Needs = Pick<
  Parts,
  'issuer' | 'keys' | 'tokens' | 'clock' | 'settings' | 'registry' | 'tell' | 'log'
>

/** Throws `OAuthError`: `invalid_scope`, `invalid_target`, `invalid_grant`, or 503 without a key. */
export async function issueTokens(
  parts: Needs,
  received: Received,
  client: Client,
  decision: Decision,
  added: Readonly<Record<string, unknown>>,
): Promise<Issued> {
  const { issuer, keys, tokens, clock, settings } = parts
  const looked = keys.look()
  if (looked !== undefined) await looked
  const { scope: askedScope, resource: askedResource } = received.request.parameters
  const now = clock.now()
  const renewed = renewedBy(decision)
  const again =
    renewed?.used === undefined ? undefined : await repeatRenewal(parts, received, renewed)
  const lineage = lineageOf(decision, now + settings.refresh_token_validity * 1000)
  const scope = grantScope(decision.scope ?? client.scope, askedScope)
  const granted = decision.resources ?? []
  const aud = grantAudience(client.resources, granted, askedResource, issuer)

  const key = keys.signing()
  if (key === undefined) {
    throw new OAuthError('temporarily_unavailable', { reason: 'no_signing_key' })
  }
  const iat = Math.floor(now / 1000)
  const expires_in =
    decision.sub === client.client_id
      ? settings.app_access_token_validity
      : settings.user_access_token_validity
  const grant_id = lineage?.grant_id ?? newId()
  const jti = `${grant_id}.${newId()}`
  const thumbprint = received.presented?.thumbprint
  const claims: AccessTokenClaims = {
    iss: issuer,
    sub: decision.sub,
    aud,
    client_id: client.client_id,
    jti,
    iat,
    exp: iat + expires_in,
  }
  if (scope !== '') claims.scope = scope
  if (thumbprint !== undefined) claims.cnf = { 'x5t#S256': thumbprint }
  addClaims(parts.log, claims, decision.claims)
  addClaims(parts.log, claims, added)
  const signing = signAccessToken(key, claims)
  const access_token = typeof signing === 'string' ? signing : await signing

  const refresh =
    again === undefined
      ? refreshToken(parts, received, client, decision, { grant_id, now, lineage, scope })
      : { token: again }
  if (refresh.issue !== undefined && !(await tokens.commitIssue(refresh.issue))) {
    if (renewed === undefined) await refuseReuse(parts, received, lineage)
    else refresh.token = await resolveConflict(parts, received, renewed)
  }
  const code = codeOf(decision)
  const id_token =
    code !== undefined && scope.split(' ').includes('openid')
      ? signIdToken(key, { iss: issuer, ...identityOf(code), iat, exp: iat + expires_in })
      : undefined

  const { token: refresh_token } = refresh
  const answer: TokenAnswer =
    refresh_token === undefined
      ? { access_token, token_type: 'Bearer', expires_in }
      : { access_token, refresh_token, token_type: 'Bearer', expires_in }
  if (id_token !== undefined) answer.id_token = id_token
  // RFC 6749 section 5.1: only where it differs from what was asked for.
  if (scope !== (askedScope ?? '')) answer.scope = scope
  return { answer, sub: decision.sub, scope, jti }
}

/** The grant that a decision goes on with, where it uses up a token or the code of one. */
interface Lineage {
  grant_id: string
  expires: number
  /** False while its code has not been redeemed. */
  stored: boolean
}

/** `expires`: the end of a family that begins now. */
function lineageOf({ consumes }: Decision, expires: number): Lineage | undefined {
  if (consumes === undefined || 'jti' in consumes) return undefined
  if ('code' in consumes) return { grant_id: consumes.code.grant_id, expires, stored: false }
  const { grant } = consumes.refresh_token
  return { grant_id: grant.grant_id, expires: grant.expires, stored: true }
}

function renewedBy({ consumes }: Decision): FoundRefreshToken | undefined {
  return consumes !== undefined && 'refresh_token' in consumes ? consumes.refresh_token : undefined
}

function codeOf({ consumes }: Decision): FoundCode | undefined {
  return consumes !== undefined && 'code' in consumes ? consumes.code : undefined
}

/** OpenID Connect Core section 2: what the id token says of the login that gave the code. */
function identityOf({ sub, client_id, auth_time, nonce }: FoundCode) {
  return {
    sub,
    aud: client_id,
    auth_time: Math.floor(auth_time / 1000),
    ...(nonce === undefined ? {} : { nonce }),
  }
}

/** What to write, and the refresh token to answer with, if one comes with this decision. */
function refreshToken(
  parts: Needs,
  received: Received,
  client: Client,
  decision: Decision,
  of: { grant_id: string; now: number; lineage: Lineage | undefined; scope: string },
): { issue?: Issue; token?: string } {
  const { settings, registry } = parts
  const { consumes } = decision
  const { grant_id, now, lineage, scope } = of
  if (lineage?.stored && !settings.renew_refresh_token) {
    return { token: received.request.parameters.refresh_token ?? '' }
  }
  const comes =
    decision.refreshable === true &&
    client.grant_types.includes('refresh_token') &&
    registry.grant('refresh_token') !== undefined
  if (!comes && consumes === undefined) return {}

  const issue: Issue = { now }
  if (consumes !== undefined) issue.consumes = consumptionOf(consumes)
  if (!comes) return { issue }
  const renewed = renewedBy(decision)
  const token =
    renewed === undefined ? newOpaqueToken() : nextRefreshToken(parts, received, renewed)
  const expires = lineage?.expires ?? now + settings.refresh_token_validity * 1000
  issue.refresh_token = {
    digest: digestOpaque(token),
    grant_id,
    created: now,
    expires,
    used: undefined,
  }
  if (!lineage?.stored) {
    issue.grant = newGrant(client, decision, { grant_id, now, expires, scope })
  }
  return { issue, token }
}

function consumptionOf(
  consumes: NonNullable<Decision['consumes']>,
): NonNullable<Issue['consumes']> {
  if ('refresh_token' in consumes) return { refresh_token: consumes.refresh_token.digest }
  if ('code' in consumes) return { code: consumes.code.digest }
  return consumes
}

function newGrant(
  client: Client,
  decision: Decision,
  of: { grant_id: string; now: number; expires: number; scope: string },
): Grant {
  return {
    grant_id: of.grant_id,
    client_id: client.client_id,
    sub: decision.sub,
    scope: of.scope,
    resources: decision.resources ?? [],
    claims: JSON.stringify(decision.claims ?? {}),
    created: of.now,
    expires: of.expires,
    revoked: undefined,
  }
}

/** A code or an assertion that came a second time; with a code all that it brought ends. */
async function refuseReuse(
  parts: Needs,
  received: Received,
  lineage: Lineage | undefined,
): Promise<never> {
  if (lineage === undefined) throw new OAuthError('invalid_grant', { reason: 'jti_used' })
  await endGrant(parts, received, lineage)
  throw new OAuthError('invalid_grant', { reason: 'code_used' })
}

/** Claims of plugins, but for those that only the issuer sets. */
function addClaims(
  log: Parts['log'],
  claims: AccessTokenClaims,
  added: Readonly<Record<string, unknown>> = {},
): void {
  for (const name in added) {
    if (registeredClaims.has(name)) log.warn('plugin.claim_refused', { claim: name })
    else if (Object.hasOwn(added, name)) claims[name] = added[name]
  }
}
