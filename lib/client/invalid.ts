import { OAuthError } from '../error/oauth-error'

/**
 * What is wrong with a registration (RFC 7591 section 3.2.2). One kind of error for every way in:
 * code, command line and the registration endpoint. The sentence may go to the caller, so it names
 * the field and never repeats what stood in it.
 */
export function invalidMetadata(description: string): OAuthError {
  const reason = 'client_metadata'
  return new OAuthError('invalid_client_metadata', { reason, description: ascii(description) })
}

export function invalidRedirectUri(description: string): OAuthError {
  const reason = 'redirect_uri'
  return new OAuthError('invalid_redirect_uri', { reason, description: ascii(description) })
}

/** RFC 7591 section 3.2.2: a description is ASCII. Sentences of other rooms are not. */
function ascii(sentence: string): string {
  return sentence.replaceAll('’', "'").replace(/[^\x20-\x7e]/g, '?')
}
