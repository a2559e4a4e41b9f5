import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import { verifyIdTokenHint } from '../token/id-token'
import { type BrowserReply, type BrowserRequest, openForm, pathBelow, sealForm } from './browser'
import { type Parameters, withQuery } from './form'
import { html } from './html'
import type { Parts } from './parts'

/**
 * `/oidc/logout` (OpenID Connect RP-Initiated Logout): ends the login of a browser. The person is always
 * asked, so that no page elsewhere can log anybody out; where to go afterwards is one of the client's
 * registered redirect URIs, compared as exact strings, or nowhere.
 */
type Needs = Pick<Parts, 'issuer' | 'clients' | 'sessions' | 'keys' | 'clock' | 'pages'>

/** Where to go when it is done; undefined: a page of ours. */
interface Target {
  location?: string
}

/** GET. Throws `OAuthError` for a page. */
export async function beginLogout(parts: Needs, browser: BrowserRequest): Promise<BrowserReply> {
  const target = await targetOf(parts, browser.parameters)
  const login = await parts.sessions.find(browser.cookie)
  if (login === undefined || browser.cookie === undefined) return loggedOut(parts, target)
  const { cookie } = browser
  const form = sealForm(parts, { action: actionOf(parts), cookie, step: 'logout', about: target })
  return {
    page: parts.pages.logout({ username: login.username, form }, html),
    formTargets: target.location === undefined ? [] : [target.location],
  }
}

/** POST: the answer to our form, or (section 2) a client's request, which is sent on to be a GET. */
export async function continueLogout(parts: Needs, browser: BrowserRequest): Promise<BrowserReply> {
  const { parameters } = browser
  if (parameters.form === undefined) {
    // From another site the browser sends no cookie with a POST: only a GET tells who is logged in.
    return { location: withQuery(actionOf(parts), parameters) }
  }
  const { about } = await openForm(parts, browser, ['logout'])
  await parts.sessions.end(browser.cookie)
  return { ...loggedOut(parts, about as Target), cookie: null }
}

const actionOf = (parts: Pick<Parts, 'issuer'>) => pathBelow(parts, '/oidc/logout')

function loggedOut({ pages }: Needs, { location }: Target): BrowserReply {
  return location === undefined ? { page: pages.loggedOut({}, html) } : { location }
}

async function targetOf(parts: Needs, parameters: Parameters): Promise<Target> {
  const { id_token_hint, post_logout_redirect_uri: uri, state } = parameters
  const hinted = id_token_hint && (await clientOfHint(parts, id_token_hint))
  const client_id = parameters.client_id ?? hinted
  if (hinted !== undefined && hinted !== client_id) throw refused('id_token_hint')
  if (uri === undefined) return {}
  const client = client_id === undefined ? undefined : await parts.clients.find(client_id)
  if (client === undefined || client.disabled || !client.redirect_uris.includes(uri)) {
    throw refused('redirect_uri_not_registered')
  }
  return { location: state === undefined ? uri : withQuery(uri, { state }) }
}

/** A hint names its client, whether it has ended or not; one that we did not issue is refused. */
async function clientOfHint({ issuer, keys, clock }: Needs, hint: string): Promise<string> {
  try {
    return (await verifyIdTokenHint(hint, { issuer, keys, now: clock.now() })).aud
  } catch (cause) {
    if (cause instanceof OAuthError && cause.code === 'invalid_token') {
      throw refused('id_token_hint', cause)
    }
    throw cause
  }
}

function refused(reason: RefusalReason, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', { reason, cause })
}
