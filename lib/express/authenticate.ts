import type { Request, RequestHandler } from 'express'
import type { Client } from '../client/client'
import type { MaybePromise } from '../client/client-store'
import { type Authenticated, authenticateClient, namedClient } from '../server/authenticate-client'
import type { Parts } from '../server/parts'
import type { Received } from '../server/token-request'
import { nameClient, type Receiver, receive } from './receive'
import { tellRefusal, toOAuthError } from './reply'
import { stateOf } from './request-state'

/** Where authentication leaves its result, in the type of every Express request. */
declare global {
  namespace Express {
    interface Request {
      oauth?: { client?: Client }
    }
  }
}

/** Authenticates the client of a request, once however often it is asked. Rejects with an `OAuthError`. */
export type Authenticate = (req: Request) => MaybePromise<Authenticated>

export function openAuthenticate(parts: Parts, receiver: Receiver): Authenticate {
  return (req) => {
    const state = stateOf(req)
    state.authenticated ??= authenticateRequest(parts, receiver, req)
    return state.authenticated
  }
}

async function authenticateRequest(
  parts: Parts,
  receiver: Receiver,
  req: Request,
): Promise<Authenticated> {
  try {
    const received = named(parts, req, await receive(req, receiver))
    const result = await authenticateClient(parts, received)
    req.oauth = { ...req.oauth, client: result.client }
    stateOf(req).authenticated = result
    return result
  } catch (cause) {
    // Told here, since an app's route may have an error handler of its own, or none.
    const error = toOAuthError(cause)
    tellRefusal(parts, req, error)
    throw error
  }
}

/** An assertion may be all that names the client; then its handler says whom, for the audit line. */
function named(parts: Parts, req: Request, received: Received): Received {
  if (received.facts.client_id !== undefined) return received
  const client_id = namedClient(parts, received)
  return client_id === undefined ? received : nameClient(req, received, client_id)
}

/** Sets `req.oauth.client`, or ends in an `OAuthError` for the error handler. */
export function authenticatingMiddleware(authenticate: Authenticate): RequestHandler {
  return (req, _res, next) => {
    Promise.resolve(authenticate(req)).then(() => next(), next)
  }
}
