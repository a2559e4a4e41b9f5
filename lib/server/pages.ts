import { createHash } from 'node:crypto'
import { type Html, html, isHtml } from './html'

/**
 * What people see. Each page is a function of its facts and may be replaced by the option `pages`; the
 * frame around it, its headers and its one style sheet are ours, so that a page can't open a hole. There
 * are no scripts, and nothing is loaded from anywhere.
 *
 * @example
 * createAuthorizationServer({ store, pages: {
 *   loggedOut: (_page, html) => ({ title: 'Goodbye', body: html`<h1>Goodbye</h1>` }),
 * } })
 */
export interface Pages {
  /** CSS of every page. */
  style: string
  /** Asks for `username` and `password`. */
  login(page: LoginPage, write: typeof html): PageContent
  /** Asks for `decision`: `allow` or `deny`. */
  consent(page: ConsentPage, write: typeof html): PageContent
  /** Asks whether to log out; sending the form is the answer. */
  logout(page: LogoutPage, write: typeof html): PageContent
  loggedOut(page: Record<string, never>, write: typeof html): PageContent
  /** Something that can't be answered to the application itself. */
  error(page: ErrorPage, write: typeof html): PageContent
}

export interface PageContent {
  title: string
  /** Made by the `html` that the page is given. */
  body: Html
}

export interface PageForm {
  /** Where it is posted to. */
  action: string
  /** Goes into the form as it is. */
  hidden: Html
}

export interface LoginPage {
  client_name: string
  /** The name or password given before was wrong. */
  wrong: boolean
  form: PageForm
}

export interface ConsentPage {
  client_name: string
  username: string
  scope: readonly string[]
  /** The one audience asked for (RFC 8707). */
  resource: string | undefined
  /** Where the answer goes. */
  redirect_host: string
  form: PageForm
}

export interface LogoutPage {
  username: string
  form: PageForm
}

export interface ErrorPage {
  description: string
  /** The same as in the log. */
  request_id: string
}

export const standardPages: Pages = {
  style: `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center }
main { box-sizing: border-box; width: 100%; max-width: 24rem; padding: 2rem }
h1 { font-size: 1.4rem; line-height: 1.25 }
label { display: block; margin: 1rem 0 }
input { box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .6rem; font: inherit }
button { padding: .6rem 1.4rem; margin: 1rem .5rem 0 0; font: inherit; cursor: pointer }
.problem { border-left: .25rem solid #c33; padding-left: .75rem }
small { opacity: .75 }
`,

  login: ({ client_name, wrong, form }, write) => ({
    title: 'Log in',
    body: write`<h1>Log in to continue to ${client_name}</h1>
${wrong && write`<p class="problem" role="alert">The user name or the password is wrong.</p>`}
<form method="post" action="${form.action}">${form.hidden}
<label>User name <input name="username" autocomplete="username" maxlength="512" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" maxlength="512" required></label>
<button>Log in</button>
</form>`,
  }),

  consent: ({ client_name, username, scope, resource, redirect_host, form }, write) => ({
    title: 'Allow access',
    body: write`<h1>${client_name} asks for access</h1>
<p>You are logged in as <b>${username}</b>. If you allow it, ${client_name} may act for you:</p>
<ul>${scope.length > 0 ? scope.map((name) => write`<li>${name}</li>`) : write`<li>without any scope</li>`}</ul>
${resource !== undefined && write`<p>This holds at ${resource} alone.</p>`}
<p><small>The answer goes to ${redirect_host}.</small></p>
<form method="post" action="${form.action}">${form.hidden}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>`,
  }),

  logout: ({ username, form }, write) => ({
    title: 'Log out',
    body: write`<h1>Log out?</h1>
<p>You are logged in as <b>${username}</b>.</p>
<form method="post" action="${form.action}">${form.hidden}
<button>Log out</button>
</form>`,
  }),

  loggedOut: (_page, write) => ({
    title: 'Logged out',
    body: write`<h1>You are logged out</h1>
<p>You may close this page.</p>`,
  }),

  error: ({ description, request_id }, write) => ({
    title: 'This did not work',
    body: write`<h1>This did not work</h1>
<p>${description}</p>
<p><small>Request ${request_id}</small></p>`,
  }),
}

/** A whole document, and the policy under which a browser may show it. */
export interface Document {
  text: string
  contentSecurityPolicy: string
}

/**
 * `formTargets`: the URIs to which a browser may be sent on after a form; Chrome checks `form-action` on
 * redirects too. Throws when a replaced page gives anything but what `html` made.
 */
export function documentOf(
  { style }: Pick<Pages, 'style'>,
  { title, body }: PageContent,
  formTargets: readonly string[],
): Document {
  if (!isHtml(body)) throw new TypeError('The body of a page must be made by html.')
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
`
  return {
    text: `${text}<style>${style}</style>\n</head>\n<body><main>${body}</main></body>\n</html>\n`,
    contentSecurityPolicy: [
      "default-src 'none'",
      `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
      ['form-action', "'self'", ...formTargets.map(sourceOf)].join(' '),
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
  }
}

/** A URI as a source of a policy: its origin, or its scheme where it has none that a policy can name. */
function sourceOf(uri: string): string {
  const { origin, protocol, hostname } = new URL(uri)
  return origin === 'null' || hostname.startsWith('[') ? protocol : origin
}
