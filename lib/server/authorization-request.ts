import type { Client } from '../client/client'
import { OAuthError, type OAuthErrorCode } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import { type Parameters, required } from './form'
import type { Parts } from './parts'
import { grantAudience, grantScope } from './scope'

/**
 * What a client asks a person for (RFC 6749 section 4.1.1), judged: `response_type=code` alone, PKCE
 * with S256 always (RFC 9700 section 2.1.1), scope and resource within what the client registered.
 */
export interface AuthorizationRequest extends ReturnAddress {
  client_id: string
  scope: string
  /** The audience asked for (RFC 8707); empty: none. */
  resources: readonly string[]
  code_challenge: string
  nonce?: string
  prompt: readonly Prompt[]
  /** Seconds since the last login. */
  max_age?: number
}

/** Where the answer goes. Nothing is sent there before the address is known to be the client's. */
export interface ReturnAddress {
  redirect_uri: string
  state?: string
}

type Prompt = (typeof prompts)[number]
const prompts = ['none', 'login', 'consent', 'select_account'] as const

/**
 * RFC 9700 section 2.1: compared as exact strings, nothing normalised. It must be given, even by a
 * client that has only one. Throws `OAuthError`, which must not be sent to that address.
 */
export function returnAddress(client: Client, parameters: Parameters): ReturnAddress {
  const redirect_uri = required(parameters, 'redirect_uri')
  if (!client.redirect_uris.includes(redirect_uri)) {
    throw refused('redirect_uri_not_registered', 'The redirect_uri is not registered.')
  }
  const { state } = parameters
  return { redirect_uri, ...(state === undefined ? {} : { state }) }
}

/** Throws `OAuthError`, which may be sent to the address. */
export function judgeAuthorization(
  { registry, issuer }: Pick<Parts, 'registry' | 'issuer'>,
  client: Client,
  parameters: Parameters,
  address: ReturnAddress,
): AuthorizationRequest {
  const { request, nonce, scope, resource, prompt, max_age } = parameters
  if (request !== undefined) throw refused('request_object', undefined, 'request_not_supported')
  judgeResponse(parameters)
  if (registry.grant('authorization_code') === undefined) {
    throw refused('unknown_grant_type', undefined, 'unsupported_response_type')
  }
  if (!client.grant_types.includes('authorization_code')) {
    throw refused('grant_not_allowed', undefined, 'unauthorized_client')
  }
  if ((address.state?.length ?? 0) > maxState || (nonce?.length ?? 0) > maxNonce) {
    throw refused('parameter_too_long')
  }
  const audience = grantAudience(client.resources, [], resource, issuer)
  return {
    client_id: client.client_id,
    ...address,
    scope: grantScope(client.scope, scope),
    resources: audience === issuer ? [] : [audience],
    code_challenge: challengeOf(parameters),
    ...(nonce === undefined ? {} : { nonce }),
    prompt: promptOf(prompt),
    ...(max_age === undefined ? {} : { max_age: maxAgeOf(max_age) }),
  }
}

/** Characters. */
const maxState = 2048
const maxNonce = 512

function judgeResponse(parameters: Parameters): void {
  if (required(parameters, 'response_type') !== 'code') {
    throw refused('response_type', undefined, 'unsupported_response_type')
  }
  if ((parameters.response_mode ?? 'query') !== 'query') {
    throw refused('response_mode', 'The response_mode must be query.')
  }
}

/** RFC 7636 section 4.3: no method means `plain`, which anyone who sees the request could use. */
function challengeOf({ code_challenge = '', code_challenge_method }: Parameters): string {
  if (code_challenge_method === 'S256' && /^[A-Za-z0-9_-]{43}$/.test(code_challenge)) {
    return code_challenge
  }
  throw refused('code_challenge', 'PKCE is needed: a code_challenge with the method S256.')
}

/** OpenID Connect Core section 3.1.2.1: `none` stands alone. */
function promptOf(prompt = ''): Prompt[] {
  const words = prompt.split(' ').filter((word) => word !== '')
  const known = prompts.filter((each) => words.includes(each))
  if (known.length < words.length || (known.includes('none') && known.length > 1)) {
    throw refused('prompt', 'The prompt is not supported.')
  }
  return known
}

function maxAgeOf(max_age: string): number {
  if (!/^\d{1,9}$/.test(max_age)) throw refused('max_age', 'The max_age must be whole seconds.')
  return Number(max_age)
}

function refused(
  reason: RefusalReason,
  description?: string,
  code: OAuthErrorCode = 'invalid_request',
): OAuthError {
  return new OAuthError(code, description === undefined ? { reason } : { reason, description })
}
