import type { Request } from 'express'
import { Strategy as CustomStrategy } from 'passport-custom'
import { uselessness } from '../certificate/judge'
import { type CertificateSource, fromTlsConnection } from '../certificate/source'
import { OAuthError } from '../error/oauth-error'
import { textOf } from '../error/text-of'
import type { CertificateFacts, TokenRequest } from '../plugin/token-request'
import { invalidClient } from '../server/authenticate-client'
import type { Authenticate } from './authenticate'
import { type Receiver, receive } from './receive'
import { rememberRefusal } from './reply'

/**
 * Passport's strategy `mtls-secret`. It ends in exactly one of Passport's verbs, once, whatever is
 * thrown and whenever: bad credentials in `fail(challenge, 401)`, everything else in `error`.
 */
export interface StrategyServer {
  authenticate: Authenticate
}

export interface StrategyOptions {
  /**
   * Methods let in beside nothing: `['mtls-secret']` unless given. `'enabled'`: every method whose
   * handler is on, each client by its own.
   */
  methods?: readonly string[] | 'enabled'
}

/**
 * What an app's own registry is asked: an object for `req.user`, or false. Nothing else lets in. It is
 * not asked about a certificate that has ended, is weak or is for servers: that is refused before.
 */
export type Verify = (credentials: {
  client_id: string
  client_secret: string
  certificate: CertificateFacts | undefined
  request: TokenRequest
}) => Promise<object | false> | object | false

export interface VerifyOptions {
  /** Where certificates come from; the TLS connection unless given. */
  certificate?: CertificateSource
  /** Bytes of a body; 16384 unless given. */
  body_bytes?: number
}

// passport-custom's type says that its name is 'custom'; the rest of it fits.
const Base = CustomStrategy as unknown as new (
  callback: (req: Request, done: Done) => void,
) => Omit<InstanceType<typeof CustomStrategy>, 'name'>

type Done = (error: Error | null, user?: object | false, challenge?: string) => void

/**
 * @example
 * passport.use(new MtlsSecretStrategy(server))
 * app.post('/jobs', passport.authenticate('mtls-secret', { session: false }), (req, res) => {
 *   res.json(req.user)
 * })
 */
export class MtlsSecretStrategy extends Base {
  readonly name = 'mtls-secret'

  constructor(server: StrategyServer, options?: StrategyOptions)
  constructor(verify: Verify, options?: VerifyOptions)
  constructor(by: StrategyServer | Verify, options: StrategyOptions & VerifyOptions = {}) {
    const find = typeof by === 'function' ? askApp(by, options) : askServer(by, options)
    super((req, done) => {
      find(req).then(
        (user) => done(null, user),
        (cause: unknown) => {
          if (cause instanceof OAuthError && cause.code === 'invalid_client') {
            rememberRefusal(req, cause)
            done(null, false, cause.headers['www-authenticate'])
          } else done(cause instanceof Error ? cause : new Error(textOf(cause)))
        },
      )
    })
  }
}

function askServer(
  { authenticate }: StrategyServer,
  { methods = ['mtls-secret'] }: StrategyOptions,
): (req: Request) => Promise<object> {
  return async (req) => {
    const { client } = await authenticate(req)
    if (methods !== 'enabled' && !methods.includes(client.token_endpoint_auth_method)) {
      throw new OAuthError('invalid_client', { reason: 'method_not_allowed' })
    }
    return client
  }
}

function askApp(
  verify: Verify,
  { certificate = fromTlsConnection(), body_bytes = 16_384 }: VerifyOptions,
): (req: Request) => Promise<object> {
  const receiver: Receiver = { source: certificate, limit: () => body_bytes }
  return async (req) => {
    const received = await receive(req, receiver)
    const { client_id, client_secret } = received.request
    if (received.from === 'query') {
      throw new OAuthError('invalid_request', { reason: 'secret_in_query' })
    }
    if (client_id === undefined) throw invalidClient('no_client_id', received)
    if (client_secret === undefined) throw invalidClient('no_secret_presented', received)
    // An app compares a thumbprint, which stays the same when the certificate has ended.
    const { presented } = received
    const useless = presented && uselessness(presented, Date.now())
    if (useless !== undefined) throw invalidClient(useless, received)
    const user: unknown = await verify({
      client_id,
      client_secret,
      certificate: received.request.certificate,
      request: received.request,
    })
    // Passport runs the route with no user on `success(undefined)`: only an object is somebody.
    if (typeof user !== 'object' || user === null) throw invalidClient('secret_mismatch', received)
    return user
  }
}
