import { OAuthError } from '../error/oauth-error'
import type { AccessTokenClaims } from './access-token'
import { boundedRequest } from './bounded-request'
import { invalidToken } from './verify'

export interface IntrospectionOptions {
  /** `introspection_endpoint` of the authorization server, an https URL. */
  endpoint: string
  /** What this resource server is registered as, `--resource-server` being its audience. */
  client_id: string
  client_secret?: string
  /** Its certificate and key, PEM. */
  cert?: string
  key?: string
  /** CA certificates, PEM, for a server that no public CA stands for. */
  ca?: string | readonly string[]
}

/**
 * Asks the authorization server what a token is worth, each time: a revoked token, a disabled client or
 * user ends at once, which no signature can tell (RFC 7662). It costs a request; nothing is kept.
 *
 * The claims of a token that is active, for this audience, and has not ended. Throws `OAuthError`:
 * `invalid_token`, or 503 when nobody can be asked.
 */
export function remoteIntrospection(
  options: IntrospectionOptions,
): (
  token: string,
  expected: { issuer: string; audience: string },
  now: number,
) => Promise<AccessTokenClaims> {
  const url = new URL(options.endpoint)
  if (url.protocol !== 'https:') throw new TypeError('introspect.endpoint must be an https URL.')

  return async (token, { issuer, audience }, now) => {
    if (token.length > maxLength) throw invalidToken('token_malformed')
    const claims = await ask(url, options, token)
    if (claims.active !== true) throw invalidToken('token_revoked')
    // What the answer leaves out is not known to be right: `iss` and `aud` must be there.
    if (claims.iss !== issuer) throw invalidToken('token_issuer')
    if (![claims.aud ?? []].flat().includes(audience)) throw invalidToken('token_audience')
    if (typeof claims.sub !== 'string' || typeof claims.exp !== 'number') {
      throw invalidToken('token_malformed')
    }
    if (claims.exp <= now / 1000) throw invalidToken('token_expired')
    return claims as AccessTokenClaims
  }
}

/** Longer than any token of ours. */
const maxLength = 8192

async function ask(
  url: URL,
  { client_id, client_secret, ...tls }: IntrospectionOptions,
  token: string,
): Promise<Record<string, unknown>> {
  const secret = client_secret === undefined ? {} : { client_secret }
  try {
    const text = await boundedRequest(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ client_id, ...secret, token }).toString(),
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key,
    })
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>
    throw new Error('That is no introspection answer.')
  } catch (cause) {
    throw new OAuthError('temporarily_unavailable', { reason: 'introspection_failed', cause })
  }
}
