/**
 * What a client must be registered with, by its method. Whether it goes without certificate is said
 * when it is created and never follows from something that was forgotten.
 */
import type { RegisteredCertificate } from './client-store'
import { invalidMetadata } from './invalid'
import type { CheckedMetadata } from './metadata'

/** The most that a request may carry of a client_id or client_secret. */
const maxBytes = 512

/** RFC 6749 appendix A.1 and A.2: visible ASCII and the blank. */
const visible = /^[\x20-\x7e]+$/

/** False for methods whose client shows a certificate or a signature alone. */
export function usesSecret(method: string): boolean {
  return !['tls_client_auth', 'self_signed_tls_client_auth', 'private_key_jwt'].includes(method)
}

/** True for methods that a client can't be registered for while it shows no certificate. */
export function needsCertificate(method: string): boolean {
  return ['mtls-secret', 'tls_client_auth', 'self_signed_tls_client_auth'].includes(method)
}

export function checkClientId(client_id: string): void {
  checkVisible('client_id', client_id)
}

export function checkSecret(client_secret: string): void {
  checkVisible('client_secret', client_secret)
}

/** Throws `invalid_client_metadata` when the method could never succeed, or would be weaker than meant. */
export function checkCredentials(
  metadata: CheckedMetadata,
  certificates: readonly RegisteredCertificate[],
): void {
  const method = metadata.token_endpoint_auth_method
  const pinned = certificates.length > 0
  const named = metadata.tls_identity !== undefined
  if (metadata.without_certificate && (pinned || named)) {
    throw invalidMetadata('without_certificate: contradicts the certificate that is given.')
  }
  if (method === 'private_key_jwt' && metadata.jwks === undefined) {
    throw invalidMetadata('jwks: private_key_jwt needs the public key.')
  }
  if (method === 'self_signed_tls_client_auth' && named) {
    throw invalidMetadata('self_signed_tls_client_auth needs the certificate itself, not a name.')
  }
  if (needsCertificate(method) && !pinned && !named) {
    if (metadata.without_certificate && usesSecret(method)) return
    const otherwise = usesSecret(method) ? ', or without_certificate' : ''
    throw invalidMetadata(`${method} needs a certificate or a tls_client_auth_ name${otherwise}.`)
  }
}

function checkVisible(field: string, text: string): void {
  if (visible.test(text) && text.length <= maxBytes) return
  throw invalidMetadata(`${field}: must have 1 to ${maxBytes} visible ASCII characters.`)
}
