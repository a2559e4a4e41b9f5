import type { Client } from '../client/client'
import { isVerdict, type Verdict } from '../client/verdict'
import { OAuthError } from '../error/oauth-error'
import { type Reason, refusalReasons } from '../error/reasons'
import type { Decision } from '../plugin/plugin'
import type { NamedGrant, Registry } from '../plugin/registry'
import { type Authenticated, authenticateClient } from './authenticate-client'
import { callHandler, tellFailure } from './call-handler'
import { readClaims, readDecision } from './decision'
import { required } from './form'
import { type Issued, issueTokens, type TokenAnswer } from './issue'
import type { Parts } from './parts'
import type { Guess } from './throttle'
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
  const { client, registry, presented } = authenticated
  const grant = selectGrant(registry, received, client)
  const decision = await decide(parts, grant, received, client)
  const claims = await claimsOfListeners(parts, registry, received, client, decision)
  const issued = await issueTokens(parts, { ...received, presented }, client, decision, claims)
  tellIssued(parts, received, authenticated, issued)
  return issued.answer
}

function selectGrant(registry: Registry, { request }: Received, client: Client): NamedGrant {
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
  parts: Pick<Parts, 'deadline' | 'throttle' | 'log'>,
  { name, decide }: NamedGrant,
  { request, facts }: Received,
  client: Client,
): Promise<Decision> {
  const { username } = request.parameters
  const guess: Guess | undefined =
    username === undefined ? undefined : { as: 'user', name: username, facts }
  if (guess) await parts.throttle.check(guess)
  const outcome: unknown = await callHandler(parts, name, 'decide', () => decide(request, client))
  if (isVerdict(outcome) && !outcome.accepted) {
    const reason = reasonOf(name, outcome)
    if (guess && reason === 'wrong_password') await parts.throttle.failed(guess)
    throw new OAuthError('invalid_grant', { reason })
  }
  if (guess) parts.throttle.recheck(guess)
  const decision = reading(parts, name, 'decide', () => readDecision(outcome))
  return namingWhatIsUsed(name, decision)
}

/** A plugin's own reason is named after the plugin, so that it can't be taken for one of ours. */
function reasonOf(name: string, { reason = '' }: Verdict): Reason {
  return ourReasons.has(reason) ? (reason as Reason) : `${name}:${reason}`
}

const ourReasons: ReadonlySet<string> = new Set(refusalReasons)

/** Two grants may use the same words for what is used once; each has its own memory of them. */
function namingWhatIsUsed(name: string, decision: Decision): Decision {
  const { consumes } = decision
  if (consumes === undefined || !('jti' in consumes)) return decision
  return { ...decision, consumes: { ...consumes, jti: JSON.stringify([name, consumes.jti]) } }
}

const noClaims = Object.freeze({})

async function claimsOfListeners(
  parts: Pick<Parts, 'deadline' | 'log'>,
  registry: Registry,
  { request }: Received,
  client: Client,
  { sub, scope }: Decision,
): Promise<Readonly<Record<string, unknown>>> {
  const listeners = registry.listeners('beforeIssue')
  if (listeners.length === 0) return noClaims
  const event = Object.freeze({ client, request, sub, scope: scope ?? client.scope })
  let claims = {}
  for (const { name, hear } of listeners) {
    const added: unknown = await callHandler(parts, name, 'beforeIssue', () => hear(event))
    if (added === undefined) continue
    claims = { ...claims, ...reading(parts, name, 'beforeIssue', () => readClaims(added)) }
  }
  return claims
}

/** What can't be read has not been said: the request ends in 503, and the operator is told why. */
function reading<Read>(
  { log }: Pick<Parts, 'log'>,
  name: string,
  step: string,
  read: () => Read,
): Read {
  try {
    return read()
  } catch (cause) {
    tellFailure(log, name, step, cause)
    throw new OAuthError('temporarily_unavailable', { reason: 'handler_failed', cause })
  }
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
