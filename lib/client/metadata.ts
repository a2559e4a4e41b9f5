/**
 * Client metadata in and out: checked once on the way in, so that the record can be trusted
 * afterwards; on the way out everything but secrets and their digests.
 */
import type { z } from 'zod'
import { identityProblem } from '../certificate/match'
import type { ClientRecord, TlsIdentity } from './client-store'
import { invalidMetadata, invalidRedirectUri } from './invalid'
import { readKeys } from './jwks'
import { type MetadataSchema, metadataSchema } from './metadata-schema'

/**
 * Metadata as it is given: every field may be left out.
 *
 * @example
 * const metadata: ClientMetadata = { client_name: 'billing', scope: 'invoices:read' }
 */
export type ClientMetadata = z.input<MetadataSchema>

/** The fields of a record that metadata decides. */
export type CheckedMetadata = Pick<
  ClientRecord,
  | 'token_endpoint_auth_method'
  | 'grant_types'
  | 'scope'
  | 'redirect_uris'
  | 'resources'
  | 'resource_server'
  | 'jwks'
  | 'without_certificate'
  | 'tls_identity'
> & { client_name: string | undefined }

export interface Checked {
  metadata: CheckedMetadata
  /** DER of the certificates that came in the key set. */
  certificates: readonly Buffer[]
}

/** Rejects with `invalid_client_metadata` or `invalid_redirect_uri`, naming the first wrong field. */
export async function checkMetadata(metadata: ClientMetadata): Promise<Checked> {
  const { jwks, ...fields } = await parse(metadata)
  const keys = jwks === undefined ? undefined : readKeys(jwks)
  if (fields.grant_types.includes('authorization_code') && fields.redirect_uris.length === 0) {
    throw invalidRedirectUri('redirect_uris: the grant authorization_code needs one.')
  }
  return {
    metadata: {
      client_name: fields.client_name,
      token_endpoint_auth_method: fields.token_endpoint_auth_method,
      grant_types: fields.grant_types,
      scope: fields.scope,
      redirect_uris: fields.redirect_uris,
      resources: fields.resources,
      resource_server: fields.resource_server,
      jwks: keys?.jwks,
      without_certificate: fields.without_certificate,
      tls_identity: tlsIdentity(fields),
    },
    certificates: keys?.certificates ?? [],
  }
}

/** A client as anybody in charge may see it: never a secret, never a digest. */
export interface PublicClient {
  client_id: string
  client_name: string
  /** Seconds since 1970 (RFC 7591 section 3.2.1). */
  client_id_issued_at: number
  token_endpoint_auth_method: string
  grant_types: readonly string[]
  scope: string
  redirect_uris: readonly string[]
  resources?: readonly string[]
  resource_server?: string
  jwks?: unknown
  tls_client_auth_subject_dn?: string
  tls_client_auth_san_dns?: string
  tls_client_auth_san_uri?: string
  tls_client_auth_san_ip?: string
  tls_client_auth_san_email?: string
  tls_client_auth_issuer?: string
  without_certificate?: true
  disabled: boolean
  certificates: readonly {
    thumbprint: string
    subject: string
    not_after: string
    last_used: string | null
  }[]
  secrets: readonly { created: string; expires: string | null; last_used: string | null }[]
}

/** What the command line and the registration endpoint show of a client; times in ISO 8601. */
export function clientMetadata(record: ClientRecord): PublicClient {
  return {
    client_id: record.client_id,
    client_name: record.client_name,
    client_id_issued_at: Math.floor(record.created / 1000),
    token_endpoint_auth_method: record.token_endpoint_auth_method,
    grant_types: record.grant_types,
    scope: record.scope,
    redirect_uris: record.redirect_uris,
    ...(record.resources.length > 0 && { resources: record.resources }),
    ...(record.resource_server !== undefined && { resource_server: record.resource_server }),
    ...(record.jwks !== undefined && { jwks: JSON.parse(record.jwks) }),
    ...identityMetadata(record.tls_identity),
    ...(record.without_certificate && { without_certificate: true }),
    disabled: record.disabled,
    certificates: record.certificates.map(({ thumbprint, subject, not_after, last_used }) => ({
      thumbprint,
      subject,
      not_after: iso(not_after),
      last_used: isoOrNull(last_used),
    })),
    secrets: record.secrets.map(({ created, expires, last_used }) => ({
      created: iso(created),
      expires: isoOrNull(expires),
      last_used: isoOrNull(last_used),
    })),
  }
}

async function parse(metadata: ClientMetadata) {
  const parsed = (await metadataSchema()).safeParse(metadata)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path ?? []
  const place = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
  const refuse = path[0] === 'redirect_uris' ? invalidRedirectUri : invalidMetadata
  throw refuse(`${place.join('').slice(1) || 'metadata'}: ${issue?.message ?? 'invalid'}.`)
}

const identityKinds = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'] as const

/** RFC 8705 section 2.1.2: exactly one of the names. */
function tlsIdentity(fields: z.output<MetadataSchema>): TlsIdentity | undefined {
  const issuer = fields.tls_client_auth_issuer
  const identities = identityKinds.flatMap((kind) => {
    const value = fields[`tls_client_auth_${kind}`]
    return value === undefined ? [] : [{ kind, value, issuer }]
  })
  const [identity, ...others] = identities
  if (others.length > 0) throw invalidMetadata('Only one tls_client_auth_ name may be given.')
  if (identity === undefined && issuer !== undefined) {
    throw invalidMetadata('tls_client_auth_issuer: needs a tls_client_auth_ name beside it.')
  }
  const problem = identity && identityProblem(identity)
  if (problem !== undefined) throw invalidMetadata(`tls_client_auth_${identity?.kind}: ${problem}.`)
  return identity
}

function identityMetadata(identity: TlsIdentity | undefined) {
  if (identity === undefined) return {}
  return {
    [`tls_client_auth_${identity.kind}`]: identity.value,
    ...(identity.issuer !== undefined && { tls_client_auth_issuer: identity.issuer }),
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function isoOrNull(time: number | undefined): string | null {
  return time === undefined ? null : iso(time)
}
