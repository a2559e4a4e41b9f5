import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OAuthError } from '../error/oauth-error'
import type { Document } from '../server/pages'

/**
 * The only writer of answers: one `writeHead` and one `end`. Nothing that we answer may be kept by a
 * cache (RFC 6749 section 5.1), framed or sniffed.
 */
// biome-ignore format: names and values in pairs
const always = [
  'x-content-type-options', 'nosniff',
  'strict-transport-security', 'max-age=31536000',
] as const
const none: Readonly<Record<string, string>> = {}
const uncached = ['cache-control', 'no-store', 'pragma', 'no-cache', ...always] as const

export function writeJson(
  res: ServerResponse,
  status: number,
  body: object,
  headers?: Readonly<Record<string, string>>,
): void {
  write(res, status, 'application/json', JSON.stringify(body), headers)
}

/** JSON that is written already. */
export function writeJsonText(res: ServerResponse, status: number, text: string): void {
  write(res, status, 'application/json', text)
}

/** A JWT that is the whole answer, by its own media type. */
export function writeJwt(res: ServerResponse, type: string, jwt: string): void {
  write(res, 200, type, jwt)
}

/** An answer that is all said by its status: 204 has no body and no length. */
export function writeNothing(res: ServerResponse): void {
  res.writeHead(204, [...uncached])
  res.end()
}

/**
 * A page for people. `same-origin` and not `no-referrer`, under which browsers would post our own forms
 * with `Origin: null`; other sites still learn nothing of the address.
 */
export function writePage(
  res: ServerResponse,
  status: number,
  { text, contentSecurityPolicy }: Document,
  headers: Readonly<Record<string, string>> = {},
): void {
  write(res, status, 'text/html; charset=utf-8', text, {
    'content-security-policy': contentSecurityPolicy,
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    ...headers,
  })
}

/** RFC 9700 section 4.12: 303, so that no browser posts a password on to where it is sent. */
export function writeRedirect(
  res: ServerResponse,
  location: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  write(res, 303, 'text/plain', '', { location, 'referrer-policy': 'no-referrer', ...headers })
}

function write(
  res: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Readonly<Record<string, string>> = none,
): void {
  const rest = 'cache-control' in headers ? always : uncached
  const length = Buffer.byteLength(text)
  const lines = ['content-type', type, 'content-length', String(length), ...rest]
  for (const name in headers) lines.push(name, headers[name] ?? '')
  res.writeHead(status, lines)
  // Node copies ASCII faster where it need not look for more.
  res.end(text, length === text.length ? 'latin1' : 'utf8')
}

/** RFC 6749 section 5.2; for `invalid_token` RFC 6750 section 3. Nothing of the request is repeated. */
export function writeError(req: IncomingMessage, res: ServerResponse, error: OAuthError): void {
  writeJson(
    res,
    error.status,
    { error: error.code, error_description: error.description },
    errorHeaders(req, error),
  )
}

export function errorHeaders(req: IncomingMessage, error: OAuthError): Record<string, string> {
  // After a body that was not read to its end nothing that follows on the connection can be trusted.
  const unread = req.complete ? {} : { connection: 'close' }
  return { ...unread, ...bearerChallenge(error), ...retryAfter(error), ...error.headers }
}

function bearerChallenge({ code, description, reason }: OAuthError): Record<string, string> {
  if (code !== 'invalid_token' && code !== 'insufficient_scope') return {}
  // RFC 6750 section 3.1: who sent no token is told how, not what was wrong; one parameter there must be.
  if (reason === 'no_token') return { 'www-authenticate': 'Bearer realm="oauth2"' }
  return { 'www-authenticate': `Bearer error="${code}", error_description="${description}"` }
}

function retryAfter({ code, headers }: OAuthError): Record<string, string> {
  if (code !== 'temporarily_unavailable' || 'retry-after' in headers) return {}
  return { 'retry-after': '1' }
}
