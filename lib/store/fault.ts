import { OAuthError } from '../error/oauth-error'

/**
 * A database that fails is 503 and never "not found": an unknown state lets nobody in, and a caller
 * may try again.
 */
export function storeFault(cause: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'store_failed', cause, headers })
}

/** More writes are waiting than could be answered in time. */
export function overloaded(): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'overloaded', headers })
}

/** A key is taken already, or what a row refers to is gone. Nothing of its transaction is written. */
export class Conflict extends OAuthError {
  constructor(cause?: unknown) {
    super('temporarily_unavailable', { reason: 'store_failed', cause, headers })
  }
}

const headers = { 'Retry-After': '1' }
