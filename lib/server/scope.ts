import { OAuthError } from '../error/oauth-error'

/**
 * What may be granted of what is asked. Nothing asked means all that there is; more than there is is
 * refused whole (RFC 6749 section 3.3, RFC 8707 section 2).
 */
export function grantScope(available: string, asked: string | undefined): string {
  if (asked === undefined || asked === available) return available
  const names = asked.split(' ').filter((name) => name !== '')
  const allowed = new Set(available.split(' '))
  if (!names.every((name) => allowed.has(name))) {
    throw new OAuthError('invalid_scope', { reason: 'scope_not_allowed' })
  }
  return [...new Set(names)].join(' ')
}

/**
 * The audience of the token (RFC 8707 section 2.2). A grant may have been narrowed to resources when it
 * was asked for: then one of them, the first where none is asked. Otherwise the issuer, or the one
 * resource asked for that the client is registered for.
 */
export function grantAudience(
  registered: readonly string[],
  granted: readonly string[],
  asked: string | undefined,
  issuer: string,
): string {
  const wanted = asked ?? granted[0] ?? issuer
  const narrowed = granted.length > 0
  if (wanted === issuer && !narrowed) return issuer
  if (!registered.includes(wanted) || (narrowed && !granted.includes(wanted))) {
    throw new OAuthError('invalid_target', { reason: 'resource_not_allowed' })
  }
  return wanted
}
