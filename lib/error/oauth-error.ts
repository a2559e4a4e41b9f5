import type { Reason } from './reasons'

/**
 * The codes that a caller may see, each with its HTTP status (RFC 6749 section 5.2, RFC 6750
 * section 3.1, RFC 7591 section 3.2.2, RFC 8707 section 2, OpenID Connect Core section 3.1.2.6).
 */
const statusOf = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_token: 401,
  insufficient_scope: 403,
  access_denied: 403,
  invalid_client_metadata: 400,
  invalid_redirect_uri: 400,
  unsupported_response_type: 400,
  request_not_supported: 400,
  login_required: 400,
  consent_required: 400,
  temporarily_unavailable: 503,
  server_error: 500,
} as const

export type OAuthErrorCode = keyof typeof statusOf

/** What the caller is told beside the code, where no better sentence is given. Never an input value. */
const descriptionOf: Record<OAuthErrorCode, string> = {
  invalid_request: 'The request is malformed.',
  invalid_client: 'Client authentication failed.',
  invalid_grant: 'The grant is invalid, expired, revoked or was issued to another client.',
  unauthorized_client: 'The client may not use this grant type.',
  unsupported_grant_type: 'The grant type is not supported.',
  invalid_scope: 'The scope is unknown or exceeds what was granted.',
  invalid_target: 'The client may not ask for this resource.',
  invalid_token: 'The access token is missing, expired, revoked or not valid here.',
  insufficient_scope: 'The access token does not carry the scope needed here.',
  access_denied: 'The request was denied.',
  invalid_client_metadata: 'The client metadata is invalid.',
  invalid_redirect_uri: 'A redirect URI is invalid.',
  unsupported_response_type: 'The response type is not supported.',
  request_not_supported: 'A request object is not supported.',
  login_required: 'The user has to log in first.',
  consent_required: 'The user has to be asked first.',
  temporarily_unavailable: 'The server cannot answer now. Try again later.',
  server_error: 'The server met an unexpected condition.',
}

export interface OAuthErrorDetails {
  /** For the operator: a word of a closed list (`reasons.ts`), never sent. */
  reason: Reason
  /** For the caller, in place of the code's own sentence. Must not repeat input. */
  description?: string
  /** In place of the code's own status: 404, 405, 413, 415, 429. */
  status?: number
  /** Headers of the answer, in lower case: `www-authenticate`, `allow`, `retry-after`. */
  headers?: Record<string, string>
  cause?: unknown
}

/**
 * A refusal that a caller may see: `code`, `status` and `description` go on the wire, `reason` and
 * `cause` stay with the operator.
 *
 * @example
 * app.use((error, req, res, next) =>
 *   error instanceof OAuthError ? res.status(error.status).json({ error: error.code }) : next(error))
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number
  readonly description: string
  readonly reason: Reason
  readonly headers: Readonly<Record<string, string>>

  constructor(code: OAuthErrorCode, details: OAuthErrorDetails) {
    super(`${code} (${details.reason})`, { cause: details.cause })
    this.code = code
    this.status = details.status ?? statusOf[code]
    this.description = details.description ?? descriptionOf[code]
    this.reason = details.reason
    this.headers = details.headers ?? {}
  }

  /** Express's own final handler reads `statusCode`. */
  get statusCode(): number {
    return this.status
  }
}
