import { randomBytes } from 'node:crypto'
import type { ClientRecord, ClientSecret } from './client-store'
import { checkClientId, checkCredentials, checkSecret, usesSecret } from './credentials'
import { invalidMetadata } from './invalid'
import { type ClientMetadata, checkMetadata } from './metadata'
import { type CertificateInput, readCertificates } from './registered-certificate'
import { digestSecret, newSecret } from './secret'

/** What a client is created from; `client_id` and `client_secret` are made up unless given. */
export type NewClient = ClientMetadata & {
  client_id?: string | undefined
  client_secret?: string | undefined
  /** PEM text, or the bytes of a PEM or DER file; one or several. */
  certificate?: CertificateInput | readonly CertificateInput[] | undefined
}

/** The metadata and certificates that take the place of a client's own. */
export type ClientChange = Omit<NewClient, 'client_id' | 'client_secret'>

/** A record, and the secret that stands in it as a digest only. */
export interface Prepared {
  record: ClientRecord
  client_secret: string | undefined
}

/** Rejects with `invalid_client_metadata` or `invalid_redirect_uri`. */
export async function prepareClient(client: NewClient, now: number): Promise<Prepared> {
  const { client_id = newClientId(), client_secret: given, certificate = [], ...rest } = client
  const { metadata, certificates } = await checkMetadata(rest)
  const registered = readCertificates([certificate, certificates].flat())
  checkClientId(client_id)
  checkCredentials(metadata, registered)
  const client_secret = secretOf(metadata.token_endpoint_auth_method, given)
  const record = {
    client_id,
    ...metadata,
    client_name: metadata.client_name ?? client_id,
    registration: undefined,
    disabled: false,
    created: now,
    secrets: client_secret === undefined ? [] : [newestSecret(client_secret, now)],
    certificates: registered,
  }
  return { record, client_secret }
}

/**
 * What makes another client of a record, by the same rules (RFC 7592 section 2.2). Its certificates stay
 * unless others are given, and so does its secret: nothing that is left out makes it weaker. A method
 * that needs a secret it never had brings a new one. Rejects as `prepareClient`.
 */
export async function prepareChange(
  { certificate = [], ...rest }: ClientChange,
  now: number,
): Promise<(record: ClientRecord) => Prepared> {
  const { metadata, certificates } = await checkMetadata(rest)
  const given = readCertificates([certificate, certificates].flat())
  return (record) => {
    const { token_endpoint_auth_method } = metadata
    const registered = given.length > 0 ? given : record.certificates
    checkCredentials(metadata, registered)
    const needed = usesSecret(token_endpoint_auth_method)
    const client_secret = needed && record.secrets.length === 0 ? newSecret() : undefined
    const fresh = client_secret === undefined ? [] : [newestSecret(client_secret, now)]
    return {
      record: {
        ...record,
        ...metadata,
        client_name: metadata.client_name ?? record.client_id,
        resource_server: record.resource_server,
        secrets: needed ? [...record.secrets, ...fresh] : [],
        certificates: registered,
      },
      client_secret,
    }
  }
}

export function newestSecret(secret: string, now: number): ClientSecret {
  return { digest: digestSecret(secret), created: now, expires: undefined, last_used: undefined }
}

/** Hexadecimal, so that it never looks like an option on a command line. */
function newClientId(): string {
  return randomBytes(16).toString('hex')
}

function secretOf(method: string, given: string | undefined): string | undefined {
  if (given !== undefined) checkSecret(given)
  if (usesSecret(method)) return given ?? newSecret()
  if (given === undefined) return undefined
  throw invalidMetadata(`client_secret: ${method} uses none.`)
}
