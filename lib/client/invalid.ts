import { OAuthError } from '../error/oauth-error'

/**
 * What is wrong with a registration (RFC 7591 section 3.2.2). One kind of error for every way in:
 * code, command line and the registration endpoint. The sentence may go to the caller, so it names
 * the field and never repeats what stood in it.
 */
export function invalidMetadata(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', { reason: 'client_metadata', description })
}

export function invalidRedirectUri(description: string): OAuthError {
  return new OAuthError('invalid_redirect_uri', { reason: 'redirect_uri', description })
}
