import express, { type RequestHandler, type Router } from 'express'
import { OAuthError } from '../error/oauth-error'
import type { Parts } from '../server/parts'
import { answerTokenRequest } from '../server/token-endpoint'
import type { Authenticate } from './authenticate'
import { type Receiver, receive } from './receive'
import { type Answer, answering, errorWriter } from './reply'
import { writeJson } from './write-reply'

export interface Health {
  status: 'ready' | 'degraded' | 'unavailable'
  reasons: readonly string[]
}

/** `POST /oauth2/token`, for the router and for an app's own route behind Passport. */
export function tokenRoute(
  parts: Parts,
  receiver: Receiver,
  authenticate: Authenticate,
): RequestHandler {
  return answering(async (req, res) => {
    const known = await authenticate(req)
    writeJson(res, 200, await answerTokenRequest(parts, await receive(req, receiver), known))
  })
}

/** Every endpoint and the methods it has; another method is 405 with `Allow`, in JSON. */
export function buildRouter(
  parts: Parts,
  routes: { path: string; token: RequestHandler; health: () => Promise<Health> },
): Router {
  const { path, token, health } = routes
  const router = express.Router({ caseSensitive: true, strict: true })
  const endpoint = (at: string, handlers: { [method in 'GET' | 'POST']?: RequestHandler }) => {
    const route = router.route(at)
    if (handlers.GET) route.get(handlers.GET)
    if (handlers.POST) route.post(handlers.POST)
    route.all(refuseMethod(Object.keys(handlers)))
  }

  endpoint(`${path}/token`, { POST: token })
  endpoint(`${path}/jwks`, { GET: answering(answerJwks(parts)) })
  endpoint('/health', { GET: answering(answerHealth(health)) })
  router.use(errorWriter(parts))
  return router
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

/** RFC 7517. Public, so it may be cached; a minute keeps a rotation's overlap long enough. */
function answerJwks({ keys }: Pick<Parts, 'keys'>): Answer {
  return async (_req, res) => {
    writeJson(res, 200, await keys.jwks(), { 'cache-control': 'public, max-age=60' })
  }
}

function answerHealth(health: () => Promise<Health>): Answer {
  return async (_req, res) => {
    const { status, reasons } = await health()
    const body = status === 'ready' ? { status } : { status, reasons }
    writeJson(res, status === 'unavailable' ? 503 : 200, body)
  }
}
