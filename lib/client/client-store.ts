/**
 * What the client room needs of storage. Times are milliseconds since 1970, digests and thumbprints
 * base64url. Names that RFC 7591 has are kept.
 */
export interface ClientRecord {
  client_id: string
  client_name: string
  token_endpoint_auth_method: string
  grant_types: readonly string[]
  /** Scope names, separated by one space; may be empty. */
  scope: string
  redirect_uris: readonly string[]
  /** Audiences that the client may ask for (RFC 8707). */
  resources: readonly string[]
  /** The audience that the client itself is: it may introspect tokens for it. */
  resource_server: string | undefined
  /** Public keys for private_key_jwt, a JWK Set as JSON text. */
  jwks: string | undefined
  /** Registered to go without certificate; never true by accident. */
  without_certificate: boolean
  tls_identity: TlsIdentity | undefined
  /** Of a client that was registered over HTTP: what lets it manage itself (RFC 7592). */
  registration: Registration | undefined
  disabled: boolean
  created: number
  /** One, or two while a replaced secret overlaps. Newest first. */
  secrets: readonly ClientSecret[]
  certificates: readonly RegisteredCertificate[]
}

export interface Registration {
  /** SHA-256 of the registration access token. */
  digest: string
  /** `x5t#S256` of the certificate that was shown when it was registered. */
  thumbprint: string
}

/** How many clients may be registered over HTTP: of those that are there now. */
export interface RegistrationRoom {
  all: number
  /** Created after `since`. */
  lately: number
  since: number
}

export interface ClientSecret {
  /** SHA-256 of the secret. A generated secret has 256 bits, so no slow hash is needed. */
  digest: string
  created: number
  expires: number | undefined
  last_used: number | undefined
}

/** A certificate registered for a client: a pin, believed without any chain. */
export interface RegisteredCertificate {
  /** `x5t#S256` */
  thumbprint: string
  der: Buffer
  subject: string
  not_after: number
  last_used: number | undefined
}

/** A name under a named CA (RFC 8705 section 2.1.2). */
export interface TlsIdentity {
  kind: 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email'
  /** RFC 4514 string for `subject_dn`. */
  value: string
  /** `x5t#S256` of the CA's certificate; undefined: the truststore's only anchor. */
  issuer: string | undefined
}

/** One use of a secret or certificate, written in batches. */
export interface ClientUse {
  client_id: string
  digest?: string
  thumbprint?: string
  at: number
}

export type MaybePromise<T> = T | Promise<T>

/** Clients of which the chain asks the same. */
export interface ClientGroup {
  token_endpoint_auth_method: string
  grant_types: readonly string[]
  without_certificate: boolean
  disabled: boolean
  /** How many there are. */
  clients: number
  /** The first of them by client_id, `firstOfGroup` at most. */
  first: readonly ClientName[]
}

export type ClientName = Pick<ClientRecord, 'client_id' | 'client_name'>

export const firstOfGroup = 3

export interface ClientStore {
  /** Moves with every change of clients, accounts and keys by any process; cheap enough for each request. */
  version(): MaybePromise<number>
  findClient(client_id: string): MaybePromise<ClientRecord | undefined>
  /** All clients, oldest first. */
  listClients(): Promise<ClientRecord[]>
  /** All clients, counted by what the chain asks of them, the largest group first. */
  groupClients(): Promise<ClientGroup[]>
  /** Those of the thumbprints that are registered for a client, whichever. */
  registeredAmong(thumbprints: readonly string[]): Promise<string[]>
  /** False when the client_id is taken. */
  insertClient(record: ClientRecord): Promise<boolean>
  /**
   * The same for a client with a `registration`, unless there is no room for it: counted and inserted in
   * one exclusive transaction. The reason why not, or undefined.
   */
  insertRegistered(
    record: ClientRecord,
    room: RegistrationRoom,
  ): Promise<'taken' | 'too_many' | 'too_many_lately' | undefined>
  /**
   * Replaces a client by what `change` makes of it, in one exclusive transaction; the new record,
   * or undefined when there is no such client. `change` may run more than once and may throw.
   */
  changeClient(
    client_id: string,
    change: (record: ClientRecord) => ClientRecord,
  ): Promise<ClientRecord | undefined>
  /** Removes a client with its secrets, certificates, grants and tokens. */
  deleteClient(client_id: string): Promise<boolean>
  /** Writes last-used times; does not move `version`. */
  recordUses(uses: readonly ClientUse[]): Promise<void>
}
