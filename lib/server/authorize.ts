import { type Client, clientOf } from '../client/client'
import { OAuthError } from '../error/oauth-error'
import type { RejectionReason } from '../error/reasons'
import { digestOpaque, newId, newOpaqueToken } from '../token/opaque'
import {
  type AuthorizationRequest,
  judgeAuthorization,
  type ReturnAddress,
  returnAddress,
} from './authorization-request'
import {
  type BrowserReply,
  type BrowserRequest,
  browserCookie,
  openForm,
  pathBelow,
  sealForm,
} from './browser'
import { tooLong } from './credentials'
import { required, withQuery } from './form'
import { html } from './html'
import { takePushed } from './par'
import type { Parts } from './parts'
import type { Login } from './sessions'
import type { Guess } from './throttle'

/**
 * `/oauth2/authorize` (RFC 6749 section 4.1): a person logs in, is asked, and is sent back to the client
 * with a code. A client that can't be told, or an address that is not its own, is answered with a page
 * and never with a redirect (section 4.1.2.1); everything else goes to that address, with `iss`
 * (RFC 9207) so that a client of several servers knows which one speaks.
 */
type Needs = Pick<
  Parts,
  | 'issuer'
  | 'path'
  | 'registry'
  | 'clients'
  | 'judge'
  | 'accounts'
  | 'sessions'
  | 'tokens'
  | 'keys'
  | 'clock'
  | 'settings'
  | 'throttle'
  | 'pages'
  | 'tell'
>

/** GET: a client sends a browser. Throws `OAuthError` for a page. */
export async function beginAuthorization(
  parts: Needs,
  browser: BrowserRequest,
): Promise<BrowserReply> {
  const { parameters } = browser
  const client = await findClient(parts, required(parameters, 'client_id'))
  const { request_uri } = parameters
  if (request_uri !== undefined) {
    const pushed = await takePushed(parts, client, request_uri)
    checkStillRegistered(client, pushed)
    return orRefusal(parts, pushed, () => nextPage(parts, browser, client, pushed))
  }
  const address = returnAddress(client, parameters)
  return orRefusal(parts, address, () => {
    const asked = judgeAuthorization(parts, client, parameters, address)
    return nextPage(parts, browser, client, asked)
  })
}

/** POST: a person answers one of the two forms. Throws `OAuthError` for a page. */
export async function continueAuthorization(
  parts: Needs,
  browser: BrowserRequest,
): Promise<BrowserReply> {
  const { step, about } = await openForm(parts, browser, ['login', 'consent'])
  const asked = about as AuthorizationRequest
  const client = await findClient(parts, asked.client_id)
  checkStillRegistered(client, asked)
  const answer = step === 'login' ? logIn : decide
  return orRefusal(parts, asked, () => answer(parts, browser, client, asked))
}

async function findClient({ clients, judge }: Needs, client_id: string): Promise<Client> {
  const record = tooLong(client_id) ? undefined : await clients.find(client_id)
  if (record === undefined) throw unknownClient('unknown_client')
  if (record.disabled) throw unknownClient('client_disabled')
  return clientOf(record, judge)
}

/** One page for both, so that nobody learns which clients there are and sleep. */
function unknownClient(reason: RejectionReason): OAuthError {
  return new OAuthError('invalid_request', { reason, description: 'The client is unknown.' })
}

/** What was judged before may have been taken from the client since. */
function checkStillRegistered(client: Client, { redirect_uri }: ReturnAddress): void {
  returnAddress(client, { redirect_uri })
}

/** RFC 6749 section 4.1.2.1: refusals go to the client, in the redirect. */
async function orRefusal(
  { issuer }: Pick<Parts, 'issuer'>,
  address: ReturnAddress,
  answer: () => Promise<BrowserReply>,
): Promise<BrowserReply> {
  try {
    return await answer()
  } catch (cause) {
    // Who guesses passwords is told so himself: the client would send him back for more.
    if (!(cause instanceof OAuthError) || cause.reason === 'throttled') throw cause
    const { code: error, description: error_description } = cause
    return {
      location: answerUri(address, { error, error_description, iss: issuer }),
      refusal: cause,
    }
  }
}

function answerUri({ redirect_uri, state }: ReturnAddress, answer: Record<string, string>): string {
  return withQuery(redirect_uri, { ...answer, ...(state === undefined ? {} : { state }) })
}

/** The login page, or that of consent for somebody who has logged in and need not do so again. */
async function nextPage(
  parts: Needs,
  browser: BrowserRequest,
  client: Client,
  asked: AuthorizationRequest,
): Promise<BrowserReply> {
  const silent = asked.prompt.includes('none')
  const login = await parts.sessions.find(browser.cookie)
  if (login === undefined || mustLogInAgain(asked, login, parts.clock.now())) {
    if (silent) throw new OAuthError('login_required', { reason: 'login_needed' })
    return loginPage(parts, browser, client, asked)
  }
  // Consent is asked for each time and never remembered, so that nothing is granted behind one's back.
  if (silent) throw new OAuthError('consent_required', { reason: 'consent_needed' })
  return consentPage(parts, browser.cookie ?? '', client, asked, login)
}

function mustLogInAgain(
  { prompt, max_age }: AuthorizationRequest,
  { auth_time }: Login,
  now: number,
): boolean {
  if (prompt.includes('login') || prompt.includes('select_account')) return true
  return max_age !== undefined && now - auth_time >= max_age * 1000
}

function loginPage(
  parts: Needs,
  browser: BrowserRequest,
  { client_name }: Client,
  asked: AuthorizationRequest,
  wrong = false,
): BrowserReply {
  const { cookie, isNew } = browserCookie(browser)
  const form = sealForm(parts, { action: actionOf(parts), cookie, step: 'login', about: asked })
  return {
    page: parts.pages.login({ client_name, wrong, form }, html),
    status: wrong ? 403 : 200,
    formTargets: [asked.redirect_uri],
    ...(isNew ? { cookie } : {}),
  }
}

function consentPage(
  parts: Needs,
  cookie: string,
  { client_name }: Client,
  asked: AuthorizationRequest,
  { username }: Login,
): BrowserReply {
  const form = sealForm(parts, { action: actionOf(parts), cookie, step: 'consent', about: asked })
  const scope = asked.scope.split(' ').filter((name) => name !== '')
  const redirect_host = new URL(asked.redirect_uri).host || asked.redirect_uri
  return {
    page: parts.pages.consent(
      { client_name, username, scope, resource: asked.resources[0], redirect_host, form },
      html,
    ),
    formTargets: [asked.redirect_uri],
  }
}

function actionOf(parts: Pick<Parts, 'issuer' | 'path'>): string {
  return pathBelow(parts, `${parts.path}/authorize`)
}

async function logIn(
  parts: Needs,
  browser: BrowserRequest,
  client: Client,
  asked: AuthorizationRequest,
): Promise<BrowserReply> {
  const { username = '', password = '' } = browser.parameters
  const guess: Guess = { as: 'user', name: username, facts: browser.facts }
  await parts.throttle.check(guess)
  const tried = !tooLong(username) && !tooLong(password)
  const account = tried ? await parts.accounts.verify(username, password) : undefined
  if (account === undefined) {
    await parts.throttle.failed(guess)
    const { facts, tell } = { ...browser, ...parts }
    const { client_id } = client
    tell('rejected', { ...facts, client_id, error: 'access_denied', reason: 'wrong_password' })
    return loginPage(parts, browser, client, asked, true)
  }
  parts.throttle.recheck(guess)
  await parts.sessions.end(browser.cookie)
  const cookie = await parts.sessions.start(account.account_id)
  const login = { ...account, auth_time: parts.clock.now() }
  return { ...consentPage(parts, cookie, client, asked, login), cookie }
}

/** Only `allow` allows. */
async function decide(
  parts: Needs,
  browser: BrowserRequest,
  client: Client,
  asked: AuthorizationRequest,
): Promise<BrowserReply> {
  if (browser.parameters.decision !== 'allow') {
    throw new OAuthError('access_denied', { reason: 'consent_denied' })
  }
  // The form is bound to the cookie, and the cookie to one login: who allows is who was asked.
  const login = await parts.sessions.find(browser.cookie)
  if (login === undefined) return loginPage(parts, browser, client, asked)
  const code = await issueCode(parts, asked, login)
  return { location: answerUri(asked, { code, iss: parts.issuer }) }
}

/** RFC 6749 section 4.1.2: short-lived, used once, and bound to all that was asked. */
async function issueCode(
  { tokens, clock, settings }: Needs,
  asked: AuthorizationRequest,
  { account_id, auth_time }: Login,
): Promise<string> {
  const code = newOpaqueToken()
  await tokens.insertCode({
    digest: digestOpaque(code),
    grant_id: newId(),
    client_id: asked.client_id,
    sub: account_id,
    scope: asked.scope,
    resources: asked.resources,
    redirect_uri: asked.redirect_uri,
    code_challenge: asked.code_challenge,
    nonce: asked.nonce,
    auth_time,
    expires: clock.now() + settings.authorization_code_validity * 1000,
    used: undefined,
  })
  return code
}
