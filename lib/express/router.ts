import express, { type RequestHandler, type Router } from 'express'
import { OAuthError } from '../error/oauth-error'
import { beginAuthorization, continueAuthorization } from '../server/authorize'
import type { Health } from '../server/health'
import { beginLogout, continueLogout } from '../server/logout'
import { describeServer } from '../server/metadata'
import { pushAuthorization } from '../server/par'
import type { Parts } from '../server/parts'
import { tokenAnswerText } from '../server/token-answer'
import { answerTokenRequest } from '../server/token-endpoint'
import { answerUserinfo } from '../server/userinfo'
import type { Authenticate } from './authenticate'
import { browserRoute } from './browser'
import { introspectRoute, revokeRoute } from './known-token-routes'
import { noteFacts, type Receiver, receive } from './receive'
import { registerRoute, registrationRoutes, whileOn } from './registration-routes'
import { type Answer, answering, errorWriter } from './reply'
import { openTokenCheck } from './require-token'
import { writeJson, writeJsonText } from './write-reply'

/** `POST /oauth2/token`, for the router and for an app's own route behind Passport. */
export function tokenRoute(
  parts: Parts,
  receiver: Receiver,
  authenticate: Authenticate,
): RequestHandler {
  return answering(async (req, res) => {
    const authenticated = authenticate(req)
    // Behind Passport both are there already.
    const known = authenticated instanceof Promise ? await authenticated : authenticated
    const read = receive(req, receiver)
    const received = read instanceof Promise ? await read : read
    const answer = await answerTokenRequest(parts, received, known)
    writeJsonText(res, 200, tokenAnswerText(answer))
  })
}

type Handlers = { [method in 'GET' | 'POST' | 'PUT' | 'DELETE']?: RequestHandler }

/** Every endpoint and the methods it has; another method is 405 with `Allow`, in JSON. */
export function buildRouter(
  parts: Parts,
  routes: {
    token: RequestHandler
    health: () => Promise<Health>
    receiver: Receiver
    authenticate: Authenticate
  },
): Router {
  const { path } = parts
  const { token, health, receiver, authenticate } = routes
  const router = express.Router({ caseSensitive: true, strict: true })
  const endpoint = (at: string, handlers: Handlers, before?: RequestHandler) => {
    const route = router.route(at)
    if (before) route.all(before)
    if (handlers.GET) route.get(handlers.GET)
    if (handlers.POST) route.post(handlers.POST)
    if (handlers.PUT) route.put(handlers.PUT)
    if (handlers.DELETE) route.delete(handlers.DELETE)
    route.all(refuseMethod(Object.keys(handlers)))
  }

  endpoint(`${path}/token`, { POST: token })
  endpoint(`${path}/par`, { POST: answering(answerPush(parts, receiver, authenticate)) })
  const authorize = {
    GET: browserRoute(parts, receiver, beginAuthorization),
    POST: browserRoute(parts, receiver, continueAuthorization),
  }
  endpoint(`${path}/authorize`, authorize, exceptHead(refuseMethod(Object.keys(authorize))))
  endpoint(`${path}/introspect`, { POST: introspectRoute(parts, receiver, authenticate) })
  endpoint(`${path}/revoke`, { POST: revokeRoute(parts, receiver, authenticate) })
  const registering = whileOn(parts)
  endpoint(`${path}/register`, { POST: registerRoute(parts, receiver) }, registering)
  endpoint(`${path}/register/:client_id`, registrationRoutes(parts, receiver), registering)
  const userinfo = answering(answerUserinfoRequest(parts, receiver))
  endpoint(`${path}/userinfo`, { GET: userinfo, POST: userinfo })
  endpoint('/oidc/logout', {
    GET: browserRoute(parts, receiver, beginLogout),
    POST: browserRoute(parts, receiver, continueLogout),
  })
  endpoint(`${path}/jwks`, { GET: answering(answerJwks(parts)) })
  const metadata = answering(answerMetadata(parts))
  endpoint('/.well-known/oauth-authorization-server', { GET: metadata })
  endpoint('/.well-known/openid-configuration', { GET: metadata })
  endpoint('/health', { GET: answering(answerHealth(health)) })
  router.use(errorWriter(parts))
  return router
}

/** Express answers a HEAD as a GET; whoever previews a link would use up the request that it names. */
function exceptHead(refuse: RequestHandler): RequestHandler {
  return (req, res, next) => (req.method === 'HEAD' ? refuse(req, res, next) : next())
}

function refuseMethod(allowed: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    req.resume()
    next(
      new OAuthError('invalid_request', {
        reason: 'method_not_supported',
        status: 405,
        description: `Use ${allowed.join(' or ')}.`,
        headers: { allow: allowed.join(', ') },
      }),
    )
  }
}

/** RFC 9126 section 2.2. */
function answerPush(parts: Parts, receiver: Receiver, authenticate: Authenticate): Answer {
  return async (req, res) => {
    const { client } = await authenticate(req)
    writeJson(res, 201, await pushAuthorization(parts, await receive(req, receiver), client))
  }
}

/** OpenID Connect Core section 5.3: a resource like any other, whose scope is `openid`. */
function answerUserinfoRequest(parts: Parts, receiver: Receiver): Answer {
  const { keys, clock } = parts
  const checkToken = openTokenCheck({
    issuer: () => parts.issuer,
    keys,
    scope: 'openid',
    certificate: receiver.source,
    clock,
  })
  return async (req, res) => {
    noteFacts(req, receiver, undefined)
    writeJson(res, 200, await answerUserinfo(parts, await checkToken(req)))
  }
}

/** RFC 7517. Public, so it may be cached; a minute keeps a rotation's overlap long enough. */
function answerJwks({ keys }: Pick<Parts, 'keys'>): Answer {
  return async (_req, res) => {
    writeJson(res, 200, await keys.jwks(), { 'cache-control': 'public, max-age=60' })
  }
}

/** RFC 8414 section 3, OpenID Connect Discovery section 4: one document, whoever asks. */
function answerMetadata(parts: Parts): Answer {
  return async (_req, res) => {
    writeJson(res, 200, describeServer(parts), { 'cache-control': 'public, max-age=60' })
  }
}

function answerHealth(health: () => Promise<Health>): Answer {
  return async (_req, res) => {
    const { status, reasons } = await health()
    const body = status === 'ready' ? { status } : { status, reasons }
    writeJson(res, status === 'unavailable' ? 503 : 200, body)
  }
}
