import type { MaybePromise } from '../client/client-store'
import { OAuthError } from '../error/oauth-error'
import { textOf } from '../error/text-of'
import type { Parts } from './parts'

/**
 * Runs one step of a handler within its time. A plugin's code may throw anything, at any time or
 * never: the operator is told which handler it was, and the request ends in 503 with the reason
 * `handler_failed` or `handler_timeout`. What a store of ours throws passes as it is.
 */
export function callHandler<Result>(
  parts: Needs,
  handler: string,
  step: string,
  work: () => MaybePromise<Result>,
): MaybePromise<Result> {
  const failed = (cause: unknown) => failure(parts, handler, step, cause)
  try {
    return parts.deadline.within(work(), () => failed(tooLate()), failed)
  } catch (cause) {
    throw failed(cause)
  }
}

type Needs = Pick<Parts, 'deadline' | 'log'>

function failure({ log }: Pick<Parts, 'log'>, handler: string, step: string, cause: unknown) {
  if (cause instanceof OAuthError && cause.code === 'temporarily_unavailable') {
    if (cause.reason === 'handler_timeout') tellFailure(log, handler, step, 'no answer in time')
    return cause
  }
  tellFailure(log, handler, step, cause)
  return new OAuthError('temporarily_unavailable', { reason: 'handler_failed', cause })
}

/** For the operator, who alone can do something about it. */
export function tellFailure(log: Parts['log'], handler: string, step: string, cause: unknown) {
  log.error('handler.failed', { handler, step, problem: textOf(cause) })
}

function tooLate(): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'handler_timeout' })
}
