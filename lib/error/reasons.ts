/**
 * Why a request was turned away, as the operator reads it. Both lists are closed: a test holds that
 * each reason is used and that nothing else is. A reason never leaves the server; the caller gets
 * the code of RFC 6749 alone.
 */

/** Why a client was not believed (`event: "client.rejected"`), in the order in which they apply. */
export const rejectionReasons = [
  'no_client_id',
  'unknown_client',
  'client_disabled',
  'method_not_allowed',
  'no_secret_presented',
  'secret_mismatch',
  'secret_expired',
  'no_certificate_registered',
  'no_certificate_presented',
  'certificate_expired',
  'certificate_not_yet_valid',
  'certificate_is_ca',
  'certificate_purpose',
  'certificate_weak',
  'certificate_revoked',
  'crl_expired',
  'certificate_untrusted',
  'certificate_mismatch',
  'trust_epoch',
  'untrusted_proxy_header',
  'handler_failed',
  'handler_timeout',
] as const

/** Why a request was refused for anything but the client (`event: "request.refused"`). */
export const refusalReasons = [
  // the request as HTTP and as a form
  'malformed_http',
  'headers_too_large',
  'request_timeout',
  'method_not_supported',
  'content_type',
  'content_encoding',
  'charset',
  'body_too_large',
  'body_cut_short',
  'too_many_parameters',
  'malformed_parameter',
  'repeated_parameter',
  'parameter_too_long',
  'repeated_header',
  'secret_in_query',
  'two_transports',
  'two_client_ids',
  // the grant
  'missing_parameter',
  'unknown_grant_type',
  'grant_not_allowed',
  'scope_not_allowed',
  'resource_not_allowed',
  'unknown_refresh_token',
  'refresh_token_used',
  'refresh_token_expired',
  'refresh_token_of_another_client',
  'jti_used',
  'grant_revoked',
  'wrong_password',
  'unknown_code',
  'code_of_another_client',
  'code_expired',
  'code_used',
  'code_redirect_uri',
  'code_verifier',
  // an authorization request
  'redirect_uri_not_registered',
  'response_type',
  'response_mode',
  'request_object',
  'code_challenge',
  'prompt',
  'max_age',
  'unknown_request_uri',
  'request_uri_of_another_client',
  // a person in a browser
  'form_not_ours',
  'form_from_elsewhere',
  'login_needed',
  'consent_needed',
  'consent_denied',
  'id_token_hint',
  'token_of_nobody',
  // registration of a client
  'client_metadata',
  'registration_off',
  'registration_limit',
  'registration_token',
  'redirect_uri',
  // resource routes
  'no_token',
  'token_in_two_places',
  'token_malformed',
  'token_signature',
  'token_type',
  'token_issuer',
  'token_audience',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'token_unbound',
  'token_without_certificate',
  'token_bound_to_another_certificate',
  'token_scope',
  // the server itself
  'no_signing_key',
  'introspection_failed',
  'store_failed',
  'overloaded',
  'throttled',
  'internal',
] as const

export type RejectionReason = (typeof rejectionReasons)[number]
export type RefusalReason = (typeof refusalReasons)[number]

/** A plugin's own reason, named after the plugin: `acme-hmac:bad_signature`. */
export type PluginReason = `${string}:${string}`

export type Reason = RejectionReason | RefusalReason | PluginReason
