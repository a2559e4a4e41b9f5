import type { Client } from '../client/client'
import type { MaybePromise } from '../client/client-store'
import { whenThere } from '../client/maybe-promise'
import { isVerdict, type Verdict } from '../client/verdict'
import { OAuthError } from '../error/oauth-error'
import { type Reason, refusalReasons } from '../error/reasons'
import type { Decision } from '../plugin/plugin'
import type { NamedGrant, NamedListener, Registry } from '../plugin/registry'
import { type Authenticated, authenticateClient } from './authenticate-client'
import { callHandler, tellFailure } from './call-handler'
import { readClaims, readDecision } from './decision'
import { required } from './form'
import { type Issued, issueTokens } from './issue'
import type { Parts } from './parts'
import type { Guess } from './throttle'
import type { TokenAnswer } from './token-answer'
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
  const decided = decide(parts, grant, received, client)
  const decision = decided instanceof Promise ? await decided : decided
  const asked = claimsOfListeners(parts, registry, received, client, decision)
  const claims = asked instanceof Promise ? await asked : asked
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
function decide(
  parts: Pick<Parts, 'deadline' | 'throttle' | 'log'>,
  grant: NamedGrant,
  received: Received,
  client: Client,
): MaybePromise<Decision> {
  const { username } = received.request.parameters
  if (username !== undefined) return decideOnUser(parts, grant, received, client, username)
  return whenThere(outcomeOf(parts, grant, received, client), (outcome) => {
    if (isRefusal(outcome)) throw refused(reasonOf(grant.name, outcome))
    return decisionOf(parts, grant, outcome)
  })
}

/** Whoever guesses passwords is counted by the name that he guesses at. */
async function decideOnUser(
  parts: Pick<Parts, 'deadline' | 'throttle' | 'log'>,
  grant: NamedGrant,
  received: Received,
  client: Client,
  username: string,
): Promise<Decision> {
  const guess: Guess = { as: 'user', name: username, facts: received.facts }
  await parts.throttle.check(guess)
  const outcome = await outcomeOf(parts, grant, received, client)
  if (isRefusal(outcome)) {
    const reason = reasonOf(grant.name, outcome)
    if (reason === 'wrong_password') await parts.throttle.failed(guess)
    throw refused(reason)
  }
  parts.throttle.recheck(guess)
  return decisionOf(parts, grant, outcome)
}

function outcomeOf(
  parts: Pick<Parts, 'deadline' | 'log'>,
  { name, decide }: NamedGrant,
  { request }: Received,
  client: Client,
): MaybePromise<unknown> {
  return callHandler(parts, name, 'decide', () => decide(request, client))
}

function isRefusal(outcome: unknown): outcome is Verdict {
  return isVerdict(outcome) && !outcome.accepted
}

function refused(reason: Reason): OAuthError {
  return new OAuthError('invalid_grant', { reason })
}

function decisionOf(parts: Pick<Parts, 'log'>, { name }: NamedGrant, outcome: unknown): Decision {
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

function claimsOfListeners(
  parts: Pick<Parts, 'deadline' | 'log'>,
  registry: Registry,
  received: Received,
  client: Client,
  decision: Decision,
): MaybePromise<Readonly<Record<string, unknown>>> {
  const listeners = registry.listeners('beforeIssue')
  return listeners.length === 0
    ? noClaims
    : askListeners(parts, listeners, received, client, decision)
}

async function askListeners(
  parts: Pick<Parts, 'deadline' | 'log'>,
  listeners: readonly NamedListener<'beforeIssue'>[],
  { request }: Received,
  client: Client,
  { sub, scope }: Decision,
): Promise<Readonly<Record<string, unknown>>> {
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
