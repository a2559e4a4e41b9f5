import type { Client } from '../client/client'
import { isVerdict } from '../client/verdict'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import type { Decision, GrantHandler } from '../plugin/plugin'
import { type Authenticated, authenticateClient } from './authenticate-client'
import { callHandler } from './call-handler'
import { required } from './form'
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
  const { parameters } = request
  const grant_type = required(parameters, 'grant_type')
  const grant = registry.grant(grant_type)
  if (grant === undefined) {
    throw new OAuthError('unsupported_grant_type', { reason: 'unknown_grant_type' })
  }
  if (!client.grant_types.includes(grant_type)) {
    throw new OAuthError('unauthorized_client', { reason: 'grant_not_allowed' })
  }
  for (const name of grant.parameters ?? []) required(parameters, name)
  return grant
}

/** A grant decides and writes nothing; one that fails or is late has not decided. */
async function decide(
  parts: Pick<Parts, 'deadline' | 'log'>,
  grant: GrantHandler,
  { request }: Received,
  client: Client,
): Promise<Decision> {
  const { grant_type } = grant
  const outcome = await callHandler(parts, grant_type, 'decide', () =>
    grant.decide(request, client),
  )
  if (isVerdict(outcome)) {
    const reason = (outcome.reason ?? 'internal') as RefusalReason
    throw new OAuthError('invalid_grant', { reason })
  }
  if (typeof outcome?.sub === 'string') return outcome
  parts.log.error('handler.failed', { handler: grant_type, step: 'decide', problem: 'no decision' })
  throw new OAuthError('temporarily_unavailable', { reason: 'handler_failed' })
}

const noClaims = Object.freeze({})

async function claimsOfListeners(
  parts: Pick<Parts, 'registry' | 'deadline' | 'log'>,
  { request }: Received,
  client: Client,
  { sub, scope }: Decision,
): Promise<Readonly<Record<string, unknown>>> {
  const listeners = parts.registry.listeners('beforeIssue')
  if (listeners.length === 0) return noClaims
  const event = Object.freeze({ client, request, sub, scope: scope ?? client.scope })
  let claims = {}
  for (const { name, hear } of listeners) {
    const added = await callHandler(parts, name, 'beforeIssue', async () => hear(event))
    claims = { ...claims, ...(added as object | undefined) }
  }
  return claims
}

function tellIssued(
  { tell }: Pick<Parts, 'tell'>,
  { facts, from, request }: Received,
  { verdict }: Authenticated,
  { sub, scope, jti }: Issued,
): void {
  tell('issued', {
    client_id: facts.client_id,
    thumbprint: facts.thumbprint,
    ip: facts.ip,
    request_id: facts.request_id,
    grant_type: request.grant_type ?? '',
    sub,
    scope,
    jti,
    would_be_refused: verdict.would_be_refused,
    secret_in_query: from === 'query' ? true : undefined,
  })
}
