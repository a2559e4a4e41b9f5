/**
 * The tables as Kysely sees them, after the last migration. What SQLite and PostgreSQL have in
 * common: text, whole numbers (times in milliseconds, 0 and 1 for no and yes), bytes; lists and
 * objects as JSON text.
 */
export interface Tables {
  client: ClientRow
  client_secret: SecretRow
  client_certificate: CertificateRow
  account: AccountRow
  grant: GrantRow
  refresh_token: RefreshTokenRow
  code: CodeRow
  par: PushedRequestRow
  session: SessionRow
  replay: ReplayRow
  signing_key: SigningKeyRow
  failure: FailureRow
  observed: ObservedRow
  counter: CounterRow
}

export interface ClientRow {
  client_id: string
  client_name: string
  token_endpoint_auth_method: string
  grant_types: string
  scope: string
  redirect_uris: string
  resources: string
  resource_server: string | null
  jwks: string | null
  without_certificate: number
  tls_identity: string | null
  disabled: number
  created: number
  registration: string | null
}

export interface SecretRow {
  client_id: string
  digest: string
  created: number
  expires: number | null
  last_used: number | null
}

export interface CertificateRow {
  client_id: string
  thumbprint: string
  der: Uint8Array
  subject: string
  not_after: number
  last_used: number | null
}

export interface AccountRow {
  account_id: string
  username: string
  password: string
  disabled: number
  created: number
}

/** A grant, or (without client_id) only the memory that an unstored one was revoked. */
export interface GrantRow {
  grant_id: string
  client_id: string | null
  sub: string | null
  scope: string | null
  resources: string | null
  claims: string | null
  created: number
  expires: number
  revoked: number | null
}

export interface RefreshTokenRow {
  digest: string
  grant_id: string
  created: number
  expires: number
  used: number | null
}

export interface CodeRow {
  digest: string
  grant_id: string
  client_id: string
  sub: string
  scope: string
  resources: string
  redirect_uri: string
  code_challenge: string
  nonce: string | null
  auth_time: number
  expires: number
  used: number | null
}

export interface PushedRequestRow {
  digest: string
  client_id: string
  parameters: string
  expires: number
}

export interface SessionRow {
  digest: string
  account_id: string
  auth_time: number
  expires: number
}

/** What may be presented once only, by its digest. */
export interface ReplayRow {
  digest: string
  expires: number
}

export interface SigningKeyRow {
  kid: string
  alg: string
  created: number
  replaced: number | null
  published_until: number | null
}

/** Failed proofs of one key in one window, see `ThrottleStore`. */
export interface FailureRow {
  key: string
  failures: number
  expires: number
  /** The place of its block among all. */
  blocked: number | null
}

export interface ObservedRow {
  client_id: string
  reason: string
  since: number
  last: number
  times: number
}

export interface CounterRow {
  name: string
  value: number
}

/** Every column of every table, parents before those that refer to them. */
export const columns = {
  client: [
    'client_id',
    'client_name',
    'token_endpoint_auth_method',
    'grant_types',
    'scope',
    'redirect_uris',
    'resources',
    'resource_server',
    'jwks',
    'without_certificate',
    'tls_identity',
    'disabled',
    'created',
    'registration',
  ],
  client_secret: ['client_id', 'digest', 'created', 'expires', 'last_used'],
  client_certificate: ['client_id', 'thumbprint', 'der', 'subject', 'not_after', 'last_used'],
  account: ['account_id', 'username', 'password', 'disabled', 'created'],
  grant: [
    'grant_id',
    'client_id',
    'sub',
    'scope',
    'resources',
    'claims',
    'created',
    'expires',
    'revoked',
  ],
  refresh_token: ['digest', 'grant_id', 'created', 'expires', 'used'],
  code: [
    'digest',
    'grant_id',
    'client_id',
    'sub',
    'scope',
    'resources',
    'redirect_uri',
    'code_challenge',
    'nonce',
    'auth_time',
    'expires',
    'used',
  ],
  par: ['digest', 'client_id', 'parameters', 'expires'],
  session: ['digest', 'account_id', 'auth_time', 'expires'],
  replay: ['digest', 'expires'],
  signing_key: ['kid', 'alg', 'created', 'replaced', 'published_until'],
  failure: ['key', 'failures', 'expires', 'blocked'],
  observed: ['client_id', 'reason', 'since', 'last', 'times'],
  counter: ['name', 'value'],
} as const satisfies { [Name in keyof Tables]: readonly (keyof Tables[Name])[] }

export type TableName = keyof Tables

export const tableNames = Object.keys(columns) as TableName[]
