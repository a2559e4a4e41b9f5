import type { IncomingMessage } from 'node:http'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { OAuthError } from '../error/oauth-error'
import { textOf } from '../error/text-of'
import type { Parts } from '../server/parts'
import { factsOf } from './receive'
import { stateOf } from './request-state'
import { writeError } from './write-reply'

export type Answer = (req: Request, res: Response) => Promise<void>

/** Runs an answer; Express 4 does not see a promise that rejects, so it is handed to `next`. */
export function answering(answer: Answer): RequestHandler {
  return (req, res, next) => {
    answer(req, res).catch(next)
  }
}

/** Tells the listeners of a refusal, once: an error that passes several places is one event. */
export function tellRefusal(
  { tell, log }: Pick<Parts, 'tell' | 'log'>,
  req: IncomingMessage,
  error: OAuthError,
): void {
  if (told.has(error)) return
  told.add(error)
  const { client_id, thumbprint, ip, request_id } = factsOf(req)
  if (error.code === 'server_error' || error.reason === 'store_failed') {
    log.error('request.failed', { request_id, problem: textOf(rootOf(error)) })
  }
  const { code, reason } = error
  tell('rejected', { client_id, thumbprint, ip, request_id, error: code, reason })
}

const told = new WeakSet<OAuthError>()

/** What the operator can mend: a full disk, a lock, a server that is gone. */
function rootOf(error: OAuthError): unknown {
  return error.cause instanceof OAuthError ? rootOf(error.cause) : (error.cause ?? error)
}

/** Writes an error as OAuth JSON; Express knows it by its four parameters. */
export function errorWriter(parts: Pick<Parts, 'tell' | 'log'>): ErrorRequestHandler {
  return (cause: unknown, req, res, next) => {
    const error = stateOf(req).refusal ?? toOAuthError(cause)
    tellRefusal(parts, req, error)
    if (res.headersSent) next(cause)
    else if (!req.socket.destroyed) writeError(req, res, error)
  }
}

/** Anything but an `OAuthError` is a fault of ours, and says nothing to the caller. */
export function toOAuthError(cause: unknown): OAuthError {
  if (cause instanceof OAuthError) return cause
  // Express could not decode a part of the path.
  if (cause instanceof URIError) {
    return new OAuthError('invalid_request', { reason: 'malformed_parameter', cause })
  }
  return new OAuthError('server_error', { reason: 'internal', cause })
}

export function rememberRefusal(req: IncomingMessage, error: OAuthError): void {
  stateOf(req).refusal = error
}
