import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OAuthError } from '../error/oauth-error'

/**
 * The only writer of answers: one `writeHead` and one `end`. Nothing that we answer may be kept by a
 * cache (RFC 6749 section 5.1), framed or sniffed.
 */
// biome-ignore format: names and values in pairs
const fixedHeaders = [
  'content-type', 'application/json',
  'cache-control', 'no-store',
  'pragma', 'no-cache',
  'x-content-type-options', 'nosniff',
  'strict-transport-security', 'max-age=31536000',
] as const

export function writeJson(
  res: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  res.writeHead(status, [
    ...fixedHeaders,
    'content-length',
    String(Buffer.byteLength(text)),
    ...Object.entries(headers).flat(),
  ])
  res.end(text)
}

/** RFC 6749 section 5.2; for `invalid_token` RFC 6750 section 3. Nothing of the request is repeated. */
export function writeError(req: IncomingMessage, res: ServerResponse, error: OAuthError): void {
  // After a body that was not read to its end nothing that follows on the connection can be trusted.
  const unread = req.complete ? {} : { connection: 'close' }
  writeJson(
    res,
    error.status,
    { error: error.code, error_description: error.description },
    { ...unread, ...error.headers, ...bearerChallenge(error), ...retryAfter(error) },
  )
}

function bearerChallenge({ code, description, reason }: OAuthError): Record<string, string> {
  if (code !== 'invalid_token' && code !== 'insufficient_scope') return {}
  // RFC 6750 section 3.1: who sent no token is told how, not what was wrong.
  if (reason === 'no_token') return { 'www-authenticate': 'Bearer' }
  return { 'www-authenticate': `Bearer error="${code}", error_description="${description}"` }
}

function retryAfter({ code, headers }: OAuthError): Record<string, string> {
  if (code !== 'temporarily_unavailable' || 'retry-after' in headers) return {}
  return { 'retry-after': '1' }
}
