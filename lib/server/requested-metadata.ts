import type { Trust } from '../certificate/trust'
import { invalidMetadata } from '../client/invalid'
import { type ClientKeys, readKeys } from '../client/jwks'
import type { ClientChange } from '../client/new-client'
import { readCertificates } from '../client/registered-certificate'
import type { Parts } from './parts'

/**
 * What a program may ask for when it registers itself (RFC 7591 section 2): less than what its operator may
 * register by hand. It can't choose its id or secret, go without certificate, be a resource server,
 * use people's passwords or manage clients; and nothing that it sends makes the server fetch a URL
 * (CVE-2021-26715). A field that is not listed here is refused: what is ignored can't be relied on.
 */
const askable = [
  'client_name',
  'token_endpoint_auth_method',
  'grant_types',
  'scope',
  'redirect_uris',
  'resources',
  'jwks',
  'certificate',
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
  'tls_client_auth_issuer',
] as const

type Fields = Readonly<Record<string, unknown>>
type Needs = Pick<Parts, 'registry' | 'keys' | 'judge'>

/** Fields that are right or wrong, and change nothing when they are right. */
const settled: Readonly<Record<string, (value: unknown, asked: Fields, parts: Needs) => boolean>> =
  {
    response_types: (value, { grant_types, redirect_uris }) => {
      const code = list(grant_types)?.includes('authorization_code') ?? redirect_uris !== undefined
      return list(value)?.every((type) => code && type === 'code') ?? false
    },
    tls_client_certificate_bound_access_tokens: (value) => value === true,
    require_signed_request_object: (value) => value === false,
    dpop_bound_access_tokens: (value) => value === false,
    subject_type: (value) => value === 'public',
    application_type: (value) => value === 'web' || value === 'native',
    id_token_signed_response_alg: (value, _, { keys }) => value === keys.signing()?.alg,
    // About the client, for people who read; nothing here shows or follows them.
    client_uri: isText,
    policy_uri: isText,
    tos_uri: isText,
    software_id: isText,
    software_version: isText,
    contacts: (value) => list(value)?.every(isText) ?? false,
  }

/** Throws `invalid_client_metadata`, naming the field where it is one of the standard's. */
export function readRequestedMetadata(parts: Needs, asked: Fields): ClientChange {
  for (const [name, value] of Object.entries(asked)) {
    if ((askable as readonly string[]).includes(name)) continue
    const isRight = Object.hasOwn(settled, name) ? settled[name] : undefined
    if (isRight === undefined) throw invalidMetadata(`${nameOf(name)} can't be chosen here.`)
    if (!isRight(value, asked, parts))
      throw invalidMetadata(`${name}: is not what is offered here.`)
  }
  const metadata: Record<string, unknown> = Object.fromEntries(
    askable.flatMap((name) => (asked[name] === undefined ? [] : [[name, asked[name]]])),
  )
  const { redirect_uris, grant_types } = metadata
  // RFC 7591 section 2: whoever names redirect URIs and no grant means the code grant.
  if (redirect_uris !== undefined && grant_types === undefined) {
    metadata.grant_types = ['authorization_code']
  }
  checkOffered(parts, metadata)
  if (Object.keys(metadata).some((name) => name.startsWith('tls_client_auth_'))) {
    metadata.tls_client_auth_issuer = authorityOf(parts.judge.trust, metadata)
  }
  const certificate = certificatesOf(metadata)
  refuseAuthorities(parts.judge.trust, [...certificate, ...certificatesOfKeys(metadata)])
  return { ...metadata, certificate } as ClientChange
}

/** Whatever is not checked here is by the client room, as for every client. */
function checkOffered({ registry }: Needs, metadata: Fields): void {
  const { token_endpoint_auth_method: method = 'mtls-secret', grant_types, scope } = metadata
  const needs = registry.clientAuth(String(method))?.needs({ withoutCertificate: false }) ?? []
  // A method that asks for a secret alone would be a way to go without certificate.
  if (needs.every((proof) => proof === 'secret')) {
    throw invalidMetadata('token_endpoint_auth_method: is not what is offered here.')
  }
  for (const grant of list(grant_types) ?? []) {
    // RFC 9700 section 2.4.
    if (grant === 'password' || registry.grant(String(grant)) === undefined) {
      throw invalidMetadata('grant_types: is not what is offered here.')
    }
  }
  if (typeof scope === 'string' && scope.split(' ').some((name) => reserved.test(name))) {
    throw invalidMetadata('scope: has a name that is not given to programs.')
  }
}

/** Scopes that let somebody manage the server or its clients. */
const reserved = /^(admin|client)(:|$)/

/**
 * RFC 8705 section 2.1: a name is worth something under a CA that we know, and under one only; it stays
 * that one whatever the truststore has later.
 */
function authorityOf({ anchors }: Trust, { tls_client_auth_issuer: issuer }: Fields): string {
  const [only, ...others] = anchors.filter(
    ({ thumbprint }) => issuer === undefined || issuer === thumbprint,
  )
  if (only !== undefined && others.length === 0) return only.thumbprint
  throw invalidMetadata('tls_client_auth_issuer: must be the one CA under which the name counts.')
}

function certificatesOf({ certificate }: Fields): string[] {
  const given = certificate === undefined ? [] : [certificate].flat()
  if (given.every((pem): pem is string => typeof pem === 'string')) return given
  throw invalidMetadata('certificate: must be PEM text, or a list of it.')
}

/** What is no set of keys is refused with everything else, by the client room. */
function certificatesOfKeys({ jwks }: Fields): Buffer[] {
  const keys = list((jwks as { keys?: unknown } | null | undefined)?.keys)
  const isSet = keys?.every((key) => typeof key === 'object' && key !== null)
  return isSet ? readKeys(jwks as ClientKeys).certificates : []
}

/**
 * A registered certificate is a pin and never an anchor, so whoever registered a CA of the truststore,
 * which anybody can read, would lock out everybody that it stands for. An operator may do that.
 */
function refuseAuthorities(
  { set: { authorities } }: Trust,
  certificates: readonly (string | Buffer)[],
): void {
  const { anchors, intermediates } = authorities
  const cas = new Set([...anchors, ...intermediates].map(({ thumbprint }) => thumbprint))
  if (readCertificates(certificates).some(({ thumbprint }) => cas.has(thumbprint))) {
    throw invalidMetadata('certificate: is a CA’s, and no client’s.')
  }
}

/** Refused by name, where the name is ours or the standard's; any other is the caller's own word. */
function nameOf(name: string): string {
  return refusedByName.includes(name) ? `${name}:` : 'A field that is unknown here'
}

const refusedByName = [
  'client_id',
  'client_secret',
  'client_id_issued_at',
  'client_secret_expires_at',
  'registration_access_token',
  'registration_client_uri',
  'without_certificate',
  'resource_server',
  'disabled',
  'jwks_uri',
  'logo_uri',
  'sector_identifier_uri',
  'request_uris',
  'initiate_login_uri',
  'software_statement',
]

function list(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 2_000
}
