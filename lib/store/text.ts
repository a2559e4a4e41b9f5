import { OAuthError } from '../error/oauth-error'

/**
 * PostgreSQL cannot hold NUL (22021), no engine can hold half a surrogate pair: SQLite would turn it
 * into U+FFFD, under which another value could be found. Nothing that is stored contains either, so
 * a look-up by such a text finds nothing and a write is refused, in every store alike.
 */
export function isStorable(values: readonly unknown[]): boolean {
  return !values.some((value) => typeof value === 'string' && unstorable.test(value))
}

export function refuseUnstorable(values: readonly unknown[]): void {
  if (isStorable(values)) return
  throw new OAuthError('invalid_request', { reason: 'malformed_parameter' })
}

const unstorable = /[\0\p{Surrogate}]/u
