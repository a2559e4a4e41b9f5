import type { IncomingMessage } from 'node:http'
import type { MaybePromise } from '../client/client-store'
import type { OAuthError } from '../error/oauth-error'
import type { RequestFacts } from '../plugin/events'
import type { Authenticated } from '../server/authenticate-client'
import type { Received } from '../server/token-request'

/**
 * What we know of a request by now, so that each step is taken once, whoever asks first: Passport's
 * strategy, a middleware or the endpoint. In one place, since each field that is added to Node's own object
 * moves it to another shape.
 */
export class RequestState {
  received: MaybePromise<Received> | undefined = undefined
  authenticated: MaybePromise<Authenticated> | undefined = undefined
  /** Who asked, for the audit line. */
  facts: RequestFacts | undefined = undefined
  /** Passport tells its error handlers no more than "Unauthorized": this is what it was. */
  refusal: OAuthError | undefined = undefined
}

type Remembering = IncomingMessage & { [state]?: RequestState }
const state = Symbol('mtls-secret')

export function stateOf(req: Remembering): RequestState {
  req[state] ??= new RequestState()
  return req[state]
}
