import type { Client } from '../client/client'
import { isVerdict } from '../client/verdict'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import type { Decision, GrantHandler } from '../plugin/plugin'
import { type Authenticated, authenticateClient } from './authenticate-client'
import { type Issued, issueTokens, type TokenAnswer } from './issue'
import type { Parts } from './parts'
import type { Received } from './token-request'

/**
 * `POST /oauth2/token` (RFC 6749 section 3.2): each step takes what the one before gave, and none looks
 * back. `known` is an authentication that already took place, as behind Passport.
 */
export async function answerTokenRequest(
  parts: Parts,
  received: Received,
  known?: Authenticated,
): Promise<TokenAnswer> {
  const authenticated = known ?? (await authenticateClient(parts, received))
  const grant = selectGrant(parts, received, authenticated.client)
  const decision = await decide(parts, grant, received, authenticated.client)
  const claims = await claimsOfListeners(parts, received, authenticated.client, decision)
  const issued = await issueTokens(parts, received, authenticated.client, decision, claims)
  tellIssued(parts, received, authenticated, issued)
  return issued.answer
}

function selectGrant(
  { registry }: Pick<Parts, 'registry'>,
  { request }: Received,
  client: Client,
): GrantHandler {
  const { grant_type, parameters } = request
  if (grant_type === undefined) throw missingParameter('grant_type')
  const grant = registry.grant(grant_type)
  if (grant === undefined) {
    throw new OAuthError('unsupported_grant_type', { reason: 'unknown_grant_type' })
  }
  if (!client.grant_types.includes(grant_type)) {
    throw new OAuthError('unauthorized_client', { reason: 'grant_not_allowed' })
  }
  for (const name of grant.parameters ?? []) {
    if (parameters[name] === undefined) throw missingParameter(name)
  }
  return grant
}

function missingParameter(name: string): OAuthError {
  return new OAuthError('invalid_request', {
    reason: 'missing_parameter',
    description: `The parameter ${name} is missing.`,
  })
}

/** A grant decides and writes nothing; one that fails or is late has not decided. */
async function decide(
  { deadline, log }: Pick<Parts, 'deadline' | 'log'>,
  grant: GrantHandler,
  { request }: Received,
  client: Client,
): Promise<Decision> {
  const outcome = await deadline.within(grant.decide(request, client), lateGrant)
  if (isVerdict(outcome)) {
    throw new OAuthError('invalid_grant', {
      reason: (outcome.reason ?? 'internal') as RefusalReason,
    })
  }
  if (typeof outcome?.sub !== 'string') {
    log.error('handler.failed', {
      handler: grant.grant_type,
      step: 'decide',
      problem: 'no decision',
    })
    throw new OAuthError('server_error', { reason: 'internal' })
  }
  return outcome
}

function lateGrant(): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'overloaded' })
}

async function claimsOfListeners(
  { registry, deadline }: Pick<Parts, 'registry' | 'deadline'>,
  { request }: Received,
  client: Client,
  { sub, scope }: Decision,
): Promise<Readonly<Record<string, unknown>>> {
  const listeners = registry.listeners('beforeIssue')
  if (listeners.length === 0) return {}
  const event = Object.freeze({ client, request, sub, scope: scope ?? client.scope })
  let claims = {}
  for (const { hear } of listeners) {
    claims = {
      ...claims,
      ...((await deadline.within(hear(event), lateGrant)) as object | undefined),
    }
  }
  return claims
}

function tellIssued(
  { tell }: Pick<Parts, 'tell'>,
  { facts, from, request }: Received,
  { verdict }: Authenticated,
  { sub, scope, jti }: Issued,
): void {
  const { would_be_refused } = verdict
  tell('issued', {
    ...facts,
    grant_type: request.grant_type ?? '',
    sub,
    scope,
    jti,
    ...(would_be_refused === undefined ? {} : { would_be_refused }),
    ...(from === 'query' ? { secret_in_query: true as const } : {}),
  })
}
