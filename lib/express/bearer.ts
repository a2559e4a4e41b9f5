import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../error/oauth-error'
import { invalidToken } from '../token/verify'
import { standsTwice } from './read-body'

/**
 * The token of an `Authorization: Bearer` line (RFC 6750 section 2.1). One in the query or in a body is
 * never read: it would end up in logs. Throws `OAuthError`: `invalid_request` for two lines,
 * `invalid_token` for none and for what can't be a token.
 */
export function bearerToken(req: IncomingMessage): string {
  if (standsTwice(req.rawHeaders, 'authorization')) {
    throw new OAuthError('invalid_request', { reason: 'token_in_two_places' })
  }
  const [, given] = /^bearer(?: +(.*))?$/i.exec(req.headers.authorization ?? '') ?? []
  if (given === undefined) throw invalidToken('no_token')
  // RFC 6750 section 2.1, b64token.
  if (!/^[\w.~+/-]+=*$/.test(given)) throw invalidToken('token_malformed')
  return given
}
