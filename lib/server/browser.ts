import { OAuthError } from '../error/oauth-error'
import type { RequestFacts } from '../plugin/events'
import { digestOpaque, newOpaqueToken } from '../token/opaque'
import { signJwt } from '../token/sign'
import { verifyJwt } from '../token/verify'
import { type Parameters, required } from './form'
import { type Html, html } from './html'
import type { PageContent, PageForm } from './pages'
import type { Parts } from './parts'

/** What a browser sent. */
export interface BrowserRequest {
  readonly parameters: Parameters
  /** The value of our cookie. */
  readonly cookie: string | undefined
  /** The header of that name. */
  readonly origin: string | undefined
  readonly facts: RequestFacts
}

/** What it is answered with: a page, or the way to somewhere else. */
export type BrowserReply = {
  /** The cookie's new value; null ends it. */
  cookie?: string | null
} & (
  | { page: PageContent; status?: number; formTargets?: readonly string[] }
  | { location: string; refusal?: OAuthError }
)

/** The pages whose answers are posted back to us. */
export type Step = 'login' | 'consent' | 'logout'

/**
 * Between two pages nothing is kept here: what a page was about travels in its form, signed, for one
 * step, for ten minutes, and for the one browser whose cookie it names. So a form that another site or
 * another person's browser was given is worth nothing, and what was judged once can't be changed.
 */
export function sealForm(
  parts: Pick<Parts, 'issuer' | 'keys' | 'clock'>,
  { action, cookie, step, about }: { action: string; cookie: string; step: Step; about: object },
): PageForm {
  const key = parts.keys.signing()
  if (key === undefined) {
    throw new OAuthError('temporarily_unavailable', { reason: 'no_signing_key' })
  }
  const { issuer, clock } = parts
  const exp = Math.floor(clock.now() / 1000) + lifetime
  const browser = digestOpaque(cookie)
  const form = signJwt(key, 'form+jwt', {
    iss: issuer,
    aud: formAudience,
    exp,
    browser,
    step,
    about,
  })
  return { action, hidden: hiddenField('form', form) }
}

/** Throws `OAuthError` for a form that is not from this page, in this browser, not long ago. */
export async function openForm(
  { issuer, keys, clock }: Pick<Parts, 'issuer' | 'keys' | 'clock'>,
  { parameters, cookie, origin }: BrowserRequest,
  steps: readonly Step[],
): Promise<{ step: Step; about: unknown }> {
  // Browsers name the origin of every POST; one that is there must be ours.
  if (origin !== undefined && origin !== new URL(issuer).origin) {
    throw new OAuthError('access_denied', { reason: 'form_from_elsewhere' })
  }
  const token = required(parameters, 'form')
  const expected = { typ: /^form\+jwt$/, keys, now: clock.now(), maxLength: maxForm }
  const form = await verifyJwt(token, expected).catch((cause: unknown) => {
    throw cause instanceof OAuthError && cause.code === 'invalid_token' ? notOurs(cause) : cause
  })
  const { iss, aud, browser, step, about } = form
  if (iss !== issuer || aud !== formAudience || !steps.includes(step)) throw notOurs()
  if (cookie === undefined || browser !== digestOpaque(cookie)) throw notOurs()
  return { step, about }
}

/** The cookie that a form is bound to: the browser's own, or a new one that it is given. */
export function browserCookie({ cookie }: BrowserRequest): { cookie: string; isNew: boolean } {
  return cookie === undefined ? { cookie: newOpaqueToken(), isNew: true } : { cookie, isNew: false }
}

/** A path as the browser sees it, which is below where the issuer says it is. */
export function pathBelow({ issuer }: Pick<Parts, 'issuer'>, path: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '') + path
}

/** Seconds. */
const lifetime = 600

/** No token of ours has this audience, so a form passes for none even where nobody looks at `typ`. */
const formAudience = 'form'

/** As much as a body may have. */
const maxForm = 16_384

function hiddenField(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`
}

function notOurs(cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', {
    reason: 'form_not_ours',
    description:
      'This page is too old, or your browser refuses cookies. Go back to the application and start again.',
    cause,
  })
}
