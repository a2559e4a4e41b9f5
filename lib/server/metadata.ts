import { endpointAt } from './address'
import type { Parts } from './parts'

/**
 * What the server says of itself (RFC 8414, OpenID Connect Discovery), made from what is on at this
 * moment: the chain, the settings, the key that signs. Nothing is listed that would be refused.
 */
export type ServerMetadata = Readonly<Record<string, unknown>>

type Needs = Pick<Parts, 'issuer' | 'mtlsUrl' | 'path' | 'registry' | 'keys' | 'registration'>

export function describeServer(parts: Needs): ServerMetadata {
  const { issuer, mtlsUrl, keys } = parts
  const endpoints = endpointsOf(parts, issuer)
  const alg = keys.signing()?.alg
  return {
    issuer,
    ...endpoints,
    jwks_uri: endpointAt(issuer, parts.path, 'jwks'),
    grant_types_supported: parts.registry.grantTypes,
    ...authenticationOf(parts),
    ...authorizationOf(parts, alg),
    ...(alg === undefined ? {} : { introspection_signing_alg_values_supported: [alg] }),
    // RFC 8705 section 3.3.
    tls_client_certificate_bound_access_tokens: true,
    ...(mtlsUrl === undefined ? {} : { mtls_endpoint_aliases: aliasesOf(parts, mtlsUrl) }),
  }
}

const offersCode = ({ registry }: Needs) => registry.grant('authorization_code') !== undefined

function endpointsOf(parts: Needs, origin: string): Record<string, string> {
  const at = (name: string) => endpointAt(origin, parts.path, name)
  return {
    token_endpoint: at('token'),
    introspection_endpoint: at('introspect'),
    revocation_endpoint: at('revoke'),
    ...(parts.registration.enable && { registration_endpoint: at('register') }),
    ...(offersCode(parts) && {
      authorization_endpoint: at('authorize'),
      pushed_authorization_request_endpoint: at('par'),
      userinfo_endpoint: at('userinfo'),
      end_session_endpoint: endpointAt(origin, '/oidc', 'logout'),
    }),
  }
}

/** RFC 8705 section 5: the endpoints that a program calls; a browser stays where no certificate is asked. */
function aliasesOf(parts: Needs, mtlsUrl: string): Record<string, string> {
  const { authorization_endpoint, end_session_endpoint, ...called } = endpointsOf(parts, mtlsUrl)
  return called
}

/** The same for every endpoint at which a client authenticates: they share the chain. */
function authenticationOf({ registry }: Needs): Record<string, unknown> {
  const methods = registry.clientAuths.map(({ name }) => name)
  const signs = methods.includes('private_key_jwt')
  return Object.fromEntries(
    ['token', 'introspection', 'revocation'].flatMap((endpoint) => [
      [`${endpoint}_endpoint_auth_methods_supported`, methods],
      ...(signs
        ? [[`${endpoint}_endpoint_auth_signing_alg_values_supported`, assertionAlgorithms]]
        : []),
    ]),
  )
}

/** What a client may sign its assertion with. */
const assertionAlgorithms = ['ES256', 'ES384', 'RS256', 'PS256']

function authorizationOf(parts: Needs, alg: string | undefined): Record<string, unknown> {
  // RFC 8414 section 2 asks for the list even where there is nothing to list.
  if (!offersCode(parts)) return { response_types_supported: [] }
  return {
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    require_pushed_authorization_requests: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    scopes_supported: ['openid'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: alg === undefined ? [] : [alg],
    claims_supported: [
      'iss',
      'sub',
      'aud',
      'iat',
      'exp',
      'auth_time',
      'nonce',
      'preferred_username',
    ],
  }
}
