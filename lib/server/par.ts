import type { Client } from '../client/client'
import { OAuthError } from '../error/oauth-error'
import { digestOpaque, newOpaqueToken } from '../token/opaque'
import type { AuthorizationRequest } from './authorization-request'
import { judgeAuthorization, returnAddress } from './authorization-request'
import type { Parts } from './parts'
import type { Received } from './token-request'

/**
 * Pushed authorization requests (RFC 9126): the client sends the request itself, authenticated as at the
 * token endpoint, and the browser carries only a name for it. It is judged when it is pushed, so a
 * wrong one never reaches a person.
 */
export interface PushedAnswer {
  request_uri: string
  expires_in: number
}

/** Throws `OAuthError`. */
export async function pushAuthorization(
  parts: Pick<Parts, 'registry' | 'issuer' | 'tokens' | 'clock'>,
  { request: { parameters } }: Received,
  client: Client,
): Promise<PushedAnswer> {
  if (parameters.request_uri !== undefined) {
    // RFC 9126 section 2.1: a request can't be pushed by reference.
    throw new OAuthError('invalid_request', { reason: 'request_object' })
  }
  const address = returnAddress(client, parameters)
  const asked = judgeAuthorization(parts, client, parameters, address)
  const name = newOpaqueToken()
  await parts.tokens.insertPushedRequest({
    digest: digestOpaque(name),
    client_id: client.client_id,
    parameters: JSON.stringify(asked),
    expires: parts.clock.now() + lifetime * 1000,
  })
  return { request_uri: prefix + name, expires_in: lifetime }
}

/** What was pushed under that name, once. Throws `OAuthError` unless it was, by this client. */
export async function takePushed(
  { tokens, clock }: Pick<Parts, 'tokens' | 'clock'>,
  client: Client,
  request_uri: string,
): Promise<AuthorizationRequest> {
  const known = request_uri.startsWith(prefix)
  const name = request_uri.slice(prefix.length)
  const taken = known ? await tokens.takePushedRequest(digestOpaque(name), clock.now()) : undefined
  if (taken === undefined) throw unknown('unknown_request_uri')
  // RFC 9126 section 4: it is bound to the client that pushed it.
  if (taken.client_id !== client.client_id) throw unknown('request_uri_of_another_client')
  return JSON.parse(taken.parameters)
}

/** Seconds: long enough to send a browser on its way. */
const lifetime = 60

/** RFC 9126 section 2.2. */
const prefix = 'urn:ietf:params:oauth:request_uri:'

function unknown(reason: 'unknown_request_uri' | 'request_uri_of_another_client'): OAuthError {
  return new OAuthError('invalid_request', {
    reason,
    description: 'The request_uri is unknown, has ended or was used.',
  })
}
