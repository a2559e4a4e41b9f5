import { invalidToken } from './verify'

/**
 * RFC 8705 section 3: a token bound to a certificate is worth nothing without it. A bound token with
 * no certificate, or with another, is `invalid_token`, not `invalid_request`.
 */
export type Binding =
  /** Every token must be bound. */
  | 'required'
  /** A token without `cnf` passes: for clients registered to go without certificate. */
  | 'when-present'

/** Throws `OAuthError` `invalid_token` unless the token is bound to the presented certificate. */
export function checkBinding(
  cnf: { 'x5t#S256'?: unknown } | undefined,
  thumbprint: string | undefined,
  binding: Binding,
): void {
  const bound = cnf?.['x5t#S256']
  // A token confirmed by other means (a DPoP key, say) is none that we can check: refuse it.
  if (cnf !== undefined && typeof bound !== 'string') throw invalidToken('token_unbound')
  if (bound === undefined) {
    if (binding === 'required') throw invalidToken('token_unbound')
    return
  }
  if (thumbprint === undefined) throw invalidToken('token_without_certificate')
  if (bound !== thumbprint) throw invalidToken('token_bound_to_another_certificate')
}
