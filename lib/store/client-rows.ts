import type {
  ClientRecord,
  ClientSecret,
  RegisteredCertificate,
  Registration,
  TlsIdentity,
} from '../client/client-store'
import type { CertificateRow, ClientRow, SecretRow } from './tables'

/**
 * A client with one of its secrets and one of its certificates: one statement, hence one moment,
 * reads a client. With m secrets and n certificates it comes as m × n rows, in practice one.
 */
export interface JoinedClientRow extends ClientRow {
  digest: string | null
  secret_created: number | null
  secret_expires: number | null
  secret_last_used: number | null
  thumbprint: string | null
  der: Uint8Array | null
  subject: string | null
  not_after: number | null
  certificate_last_used: number | null
}

export function clientRow(record: ClientRecord): ClientRow {
  return {
    client_id: record.client_id,
    client_name: record.client_name,
    token_endpoint_auth_method: record.token_endpoint_auth_method,
    grant_types: JSON.stringify(record.grant_types),
    scope: record.scope,
    redirect_uris: JSON.stringify(record.redirect_uris),
    resources: JSON.stringify(record.resources),
    resource_server: record.resource_server ?? null,
    jwks: record.jwks ?? null,
    without_certificate: Number(record.without_certificate),
    tls_identity: record.tls_identity === undefined ? null : JSON.stringify(record.tls_identity),
    disabled: Number(record.disabled),
    created: record.created,
    registration: record.registration === undefined ? null : JSON.stringify(record.registration),
  }
}

export function secretRow(client_id: string, secret: ClientSecret): SecretRow {
  return {
    client_id,
    digest: secret.digest,
    created: secret.created,
    expires: secret.expires ?? null,
    last_used: secret.last_used ?? null,
  }
}

export function certificateRow(
  client_id: string,
  certificate: RegisteredCertificate,
): CertificateRow {
  return { client_id, ...certificate, last_used: certificate.last_used ?? null }
}

/** The clients that these rows tell of, in the order of the rows. */
export function clientsOf(rows: readonly JoinedClientRow[]): ClientRecord[] {
  const found = new Map<string, JoinedClientRow[]>()
  for (const row of rows) {
    const same = found.get(row.client_id)
    if (same === undefined) found.set(row.client_id, [row])
    else same.push(row)
  }
  return [...found.values()].flatMap((same) => clientOf(same) ?? [])
}

/** The one client that these rows tell of. */
export function clientOf(rows: readonly JoinedClientRow[]): ClientRecord | undefined {
  const [row] = rows
  if (row === undefined) return undefined
  return {
    client_id: row.client_id,
    client_name: row.client_name,
    token_endpoint_auth_method: row.token_endpoint_auth_method,
    grant_types: parseStrings(row.grant_types),
    scope: row.scope,
    redirect_uris: parseStrings(row.redirect_uris),
    resources: parseStrings(row.resources),
    resource_server: row.resource_server ?? undefined,
    jwks: row.jwks ?? undefined,
    without_certificate: row.without_certificate !== 0,
    tls_identity:
      row.tls_identity === null ? undefined : (JSON.parse(row.tls_identity) as TlsIdentity),
    registration:
      row.registration === null ? undefined : (JSON.parse(row.registration) as Registration),
    disabled: row.disabled !== 0,
    created: row.created,
    secrets: newestFirst(secretsOf(rows)),
    certificates: longestFirst(certificatesOf(rows)),
  }
}

/** Of two made in one millisecond the one without an end is the newer: the other is being replaced. */
export function newestFirst(secrets: readonly ClientSecret[]): ClientSecret[] {
  const end = (secret: ClientSecret) => secret.expires ?? Number.MAX_SAFE_INTEGER
  return [...secrets].sort((a, b) => b.created - a.created || end(b) - end(a))
}

export function longestFirst(
  certificates: readonly RegisteredCertificate[],
): RegisteredCertificate[] {
  return [...certificates].sort(
    (a, b) => b.not_after - a.not_after || (a.thumbprint < b.thumbprint ? -1 : 1),
  )
}

export function parseStrings(json: string): string[] {
  return JSON.parse(json) as string[]
}

function secretsOf(rows: readonly JoinedClientRow[]): ClientSecret[] {
  const secrets = new Map<string, ClientSecret>()
  for (const row of rows) {
    if (row.digest === null || row.secret_created === null) continue
    secrets.set(row.digest, {
      digest: row.digest,
      created: row.secret_created,
      expires: row.secret_expires ?? undefined,
      last_used: row.secret_last_used ?? undefined,
    })
  }
  return [...secrets.values()]
}

function certificatesOf(rows: readonly JoinedClientRow[]): RegisteredCertificate[] {
  const certificates = new Map<string, RegisteredCertificate>()
  for (const { thumbprint, der, subject, not_after, certificate_last_used } of rows) {
    if (thumbprint === null || der === null || subject === null || not_after === null) continue
    certificates.set(thumbprint, {
      thumbprint,
      der: Buffer.from(der.buffer, der.byteOffset, der.byteLength),
      subject,
      not_after,
      last_used: certificate_last_used ?? undefined,
    })
  }
  return [...certificates.values()]
}
