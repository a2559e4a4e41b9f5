import type { Request, RequestHandler } from 'express'
import type { CertificateSource } from '../certificate/source'
import { fromTlsConnection } from '../certificate/source'
import { OAuthError } from '../error/oauth-error'
import { type AccessTokenClaims, verifyAccessToken } from '../token/access-token'
import { type Binding, checkBinding } from '../token/binding'
import { invalidToken, type VerificationKeys } from '../token/verify'
import { standsTwice } from './read-body'
import { writeError } from './write-reply'

declare global {
  namespace Express {
    interface Request {
      /** The claims of the access token that `requireToken` accepted. */
      token?: AccessTokenClaims
    }
  }
}

export interface RequireTokenOptions {
  /** Who issued it; a function where the issuer is known only once the server listens. */
  issuer: string | (() => string)
  /** For whom; the issuer unless given. */
  audience?: string
  /** `server.keys`, or `remoteKeys(jwks_uri)`. */
  keys: VerificationKeys
  /** Scope names, separated by spaces, all of which the token must carry. */
  scope?: string
  /** `'when-present'` lets tokens of clients without certificate pass; `'required'` unless given. */
  binding?: Binding
  /** Where certificates come from; the TLS connection unless given. */
  certificate?: CertificateSource
  clock?: { now(): number }
}

/**
 * Lets a request pass that carries an access token of this issuer, for this audience, bound to the
 * certificate of its own connection (RFC 6750, RFC 8705 section 3), and leaves its claims in
 * `req.token`. Everything else is answered with 401 `invalid_token` or 403 `insufficient_scope`.
 *
 * @example
 * app.get('/accounts', requireToken({ issuer, keys: server.keys, scope: 'accounts:read' }), handler)
 */
export function requireToken(options: RequireTokenOptions): RequestHandler {
  const { keys, audience, scope, binding = 'required' } = options
  const { certificate = fromTlsConnection(), clock = Date } = options
  const needed = scope?.split(' ').filter((name) => name !== '') ?? []

  return (req, res, next) => {
    check(req).then(
      () => next(),
      (cause: unknown) => {
        if (cause instanceof OAuthError) writeError(req, res, cause)
        else next(cause)
      },
    )
  }

  async function check(req: Request): Promise<void> {
    const token = bearerToken(req)
    const issuer = typeof options.issuer === 'string' ? options.issuer : options.issuer()
    const expected = { issuer, audience: audience ?? issuer, keys }
    const claims = await verifyAccessToken(token, expected, clock.now())
    checkBinding(claims.cnf, certificate.read(req).presented?.thumbprint, binding)
    checkScope(claims, needed)
    req.token = claims
  }
}

/** RFC 6750 section 2.1 only: a token in the query or in a body is never read. */
function bearerToken(req: Request): string {
  if (standsTwice(req.rawHeaders, 'authorization')) {
    throw new OAuthError('invalid_request', { reason: 'token_in_two_places' })
  }
  const [, token] = /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? []
  if (token === undefined) throw invalidToken('no_token')
  return token
}

function checkScope({ scope = '' }: AccessTokenClaims, needed: readonly string[]): void {
  const given = new Set(scope.split(' '))
  if (!needed.every((name) => given.has(name))) {
    throw new OAuthError('insufficient_scope', { reason: 'token_scope' })
  }
}
