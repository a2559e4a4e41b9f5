import type { IncomingHttpHeaders } from 'node:http'
import type { Presented } from '../certificate/presented'
import { OAuthError } from '../error/oauth-error'
import type { RequestFacts } from '../plugin/events'
import type { TokenRequest } from '../plugin/token-request'
import { type Credentials, readCredentials, tooLong } from './credentials'
import type { Form } from './form'

/** What came over HTTP, before anything is believed. */
export interface Incoming {
  form: Form
  headers: IncomingHttpHeaders
  /** The raw query string of the URL, without its question mark. */
  query: string | undefined
  presented: Presented | undefined
  /** Why a certificate was shown and not read: a proxy header from an untrusted peer. */
  unread: 'untrusted_proxy_header' | undefined
  ip: string | undefined
  request_id: string
}

/** A request, read: what plugins may see of it, and what only the server does. */
export interface Received {
  /** Frozen through and through: a handler that changes it changes nothing for the next one. */
  readonly request: TokenRequest
  readonly presented: Presented | undefined
  readonly unread: 'untrusted_proxy_header' | undefined
  readonly from: Credentials['from']
  readonly facts: RequestFacts
}

/** Parameters into a typed, frozen request. Throws `OAuthError` `invalid_request`. */
export function readTokenRequest(incoming: Incoming): Received {
  const { form, headers, presented, unread, query } = incoming
  const { parameters } = form
  const credentials = readCredentials(form, headers.authorization, query)
  if (tooLong(parameters.username) || tooLong(parameters.password)) {
    throw new OAuthError('invalid_request', { reason: 'parameter_too_long' })
  }
  // Without a getter, which would give each request a shape of its own: V8 would look every field up in a table.
  const request = Object.freeze({
    client_id: credentials.client_id,
    client_secret: credentials.client_secret,
    grant_type: parameters.grant_type,
    parameters: Object.freeze(parameters),
    // A copy, as Node's own object must not be frozen. Of a spread one V8 makes a new shape each time it is.
    headers: Object.freeze(Object.assign({}, headers as Record<string, string>)),
    certificate: presented?.facts,
  })
  return {
    request,
    presented,
    unread,
    from: credentials.from,
    facts: {
      client_id: credentials.client_id,
      thumbprint: presented?.short,
      ip: incoming.ip,
      request_id: incoming.request_id,
    },
  }
}
