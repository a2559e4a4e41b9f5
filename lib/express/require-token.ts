import type { ErrorRequestHandler, Request, RequestHandler } from 'express'
import type { CertificateSource } from '../certificate/source'
import { fromTlsConnection } from '../certificate/source'
import { didYouMean } from '../error/did-you-mean'
import { OAuthError } from '../error/oauth-error'
import { SetupError } from '../error/setup-error'
import { type AccessTokenClaims, verifyAccessToken } from '../token/access-token'
import { type Binding, checkBinding } from '../token/binding'
import { type IntrospectionOptions, remoteIntrospection } from '../token/remote-introspection'
import type { VerificationKeys } from '../token/verify'
import { bearerToken } from './bearer'
import { noteFacts } from './receive'
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
  /** `server.keys`, or `remoteKeys(jwks_uri)`: nobody is asked, and a token lives to its end. */
  keys?: VerificationKeys
  /** In place of `keys`: the authorization server is asked each time, and a revoked token ends at once. */
  introspect?: IntrospectionOptions
  /** Scope names, separated by spaces, all of which the token must carry. */
  scope?: string
  /** `'when-present'` lets tokens of clients without certificate pass; `'required'` unless given. */
  binding?: Binding
  /** Where certificates come from; the TLS connection unless given. */
  certificate?: CertificateSource
  /** What answers a refusal: `server.errorHandler` tells the server's listeners of it; JSON alone unless given. */
  refuse?: ErrorRequestHandler
  clock?: { now(): number }
}

/**
 * Lets a request pass that carries an access token of this issuer, for this audience, bound to the
 * certificate of its own connection (RFC 6750, RFC 8705 section 3), and leaves its claims in
 * `req.token`. Everything else is answered with 401 `invalid_token` or 403 `insufficient_scope`.
 * Throws `SetupError` for wrong options.
 *
 * @example
 * app.get('/accounts', requireToken({ issuer, keys: server.keys, scope: 'accounts:read' }), handler)
 */
export function requireToken(options: RequireTokenOptions): RequestHandler {
  const check = openTokenCheck(options)
  const { refuse = writeRefusal } = options
  return (req, res, next) => {
    check(req).then(
      (claims) => {
        req.token = claims
        next()
      },
      (cause: unknown) => {
        if (cause instanceof OAuthError) refuse(cause, req, res, next)
        else next(cause)
      },
    )
  }
}

const writeRefusal: ErrorRequestHandler = (cause, req, res) => writeError(req, res, cause)

/** The check by itself: the claims of the token, or an `OAuthError` for whoever writes and tells it. */
export function openTokenCheck(
  options: RequireTokenOptions,
): (req: Request) => Promise<AccessTokenClaims> {
  const { issuer, audience, scope, binding = 'required' } = options
  const { certificate = fromTlsConnection(), clock = Date } = options
  const verify = verifierOf(options)
  const needed = scope?.split(' ').filter((name) => name !== '') ?? []

  return async (req) => {
    let client_id: string | undefined
    try {
      const token = bearerToken(req)
      const from = typeof issuer === 'string' ? issuer : issuer()
      const claims = await verify(token, { issuer: from, audience: audience ?? from }, clock.now())
      client_id = claims.client_id
      checkBinding(claims.cnf, certificate.read(req).presented?.thumbprint, binding)
      checkScope(claims, needed)
      return claims
    } catch (cause) {
      noteFacts(req, { source: certificate }, client_id)
      throw cause
    }
  }
}

type Verify = ReturnType<typeof remoteIntrospection>

function verifierOf(options: RequireTokenOptions): Verify {
  refuseUnknown(options)
  const { issuer, binding = 'required', keys, introspect } = options
  if (!['string', 'function'].includes(typeof issuer)) {
    throw new SetupError('requireToken needs an issuer.', 'Give its URL, as metadata names it.')
  }
  if (!['required', 'when-present'].includes(binding)) {
    throw new SetupError(
      `binding of requireToken can't be ${JSON.stringify(binding)}.`,
      "Write 'required' or 'when-present'.",
    )
  }
  if ((keys === undefined) === (introspect === undefined)) {
    throw new SetupError(
      'requireToken needs keys or introspect, and one of them only.',
      'Give keys: server.keys, or keys: remoteKeys(jwks_uri).',
    )
  }
  if (introspect !== undefined) return remoteIntrospection(introspect)
  if (typeof keys?.find !== 'function') {
    throw new SetupError(
      'keys of requireToken has no function find.',
      'Give server.keys, or remoteKeys(jwks_uri).',
    )
  }
  return (token, expected, now) => verifyAccessToken(token, { ...expected, keys }, now)
}

const known: Record<keyof RequireTokenOptions, true> = {
  issuer: true,
  audience: true,
  keys: true,
  introspect: true,
  scope: true,
  binding: true,
  certificate: true,
  refuse: true,
  clock: true,
}

/** A misspelt option would be a check that is not made. */
function refuseUnknown(options: object): void {
  const names = Object.keys(known)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const meant = didYouMean(name, names)
    throw new SetupError(
      `requireToken has no option "${name}".`,
      meant === undefined ? `Options: ${names.join(', ')}.` : `Did you mean ${meant}?`,
    )
  }
}

function checkScope({ scope = '' }: AccessTokenClaims, needed: readonly string[]): void {
  const given = new Set(scope.split(' '))
  if (needed.every((name) => given.has(name))) return
  throw new OAuthError('insufficient_scope', {
    reason: 'token_scope',
    // RFC 6750 section 3: the scope that would do.
    headers: {
      'www-authenticate': `Bearer error="insufficient_scope", scope="${needed.join(' ')}"`,
    },
  })
}
