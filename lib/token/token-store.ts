/**
 * What the token room needs of storage. "Used once" is one conditional statement: of two that try,
 * exactly one is told that it won. Times in milliseconds, digests base64url SHA-256.
 */
export interface Grant {
  grant_id: string
  client_id: string
  /** client_id, or the account_id of the user who granted. */
  sub: string
  /** The whole scope granted; a refresh may ask for less, never for more. */
  scope: string
  /** Audiences that were asked for (RFC 8707); empty: none, so the issuer or what the client may ask for. */
  resources: readonly string[]
  /** Claims that the grant put into its first token, repeated in later ones; JSON text. */
  claims: string
  created: number
  /** End of the whole family, never extended. */
  expires: number
  revoked: number | undefined
}

export interface RefreshToken {
  digest: string
  grant_id: string
  created: number
  expires: number
  used: number | undefined
}

/** A refresh token with the grant it belongs to. */
export interface FoundRefreshToken extends RefreshToken {
  grant: Grant
}

/** An authorization code with what it was issued for. */
export interface FoundCode {
  digest: string
  grant_id: string
  client_id: string
  sub: string
  scope: string
  resources: readonly string[]
  redirect_uri: string
  /** RFC 7636, always S256. */
  code_challenge: string
  nonce: string | undefined
  auth_time: number
  expires: number
  used: number | undefined
}

/** An authorization request that a client pushed (RFC 9126), until it is taken. */
export interface PushedRequest {
  /** Of the request_uri. */
  digest: string
  client_id: string
  /** JSON text. */
  parameters: string
  expires: number
}

/** What a decision uses up. */
export type Consumption =
  | { readonly refresh_token: string }
  | { readonly code: string }
  | { readonly jti: string; readonly expires: number }

/** Everything that one answer writes, in one commit. */
export interface Issue {
  consumes?: Consumption
  grant?: Grant
  refresh_token?: RefreshToken
  now: number
}

export interface TokenStore {
  findRefreshToken(digest: string): Promise<FoundRefreshToken | undefined>
  /**
   * Uses up and stores in one durable commit. False, and nothing written, when what it consumes was
   * used before, has expired or belongs to a revoked grant, or when the client is gone.
   */
  commitIssue(issue: Issue): Promise<boolean>
  /**
   * Revokes a grant: its refresh tokens end at once. One that was never stored (an access token
   * costs no write) is remembered until `expires`, a stored one at least until its own end.
   * False when it was revoked before.
   */
  revokeGrant(grant_id: string, now: number, expires: number): Promise<boolean>
  /** True for a revoked grant, stored or only remembered. */
  isGrantRevoked(grant_id: string): Promise<boolean>
  findGrant(grant_id: string): Promise<Grant | undefined>
  insertCode(code: FoundCode): Promise<void>
  /** Used and expired ones included, until they are removed. */
  findCode(digest: string): Promise<FoundCode | undefined>
  insertPushedRequest(request: PushedRequest): Promise<void>
  /** Removes and answers it, so that it can be had once; undefined when it has expired. */
  takePushedRequest(digest: string, now: number): Promise<PushedRequest | undefined>
  /** True when `key` was there before; otherwise it is now, until `expires`. */
  seen(key: string, expires: number, now: number): Promise<boolean>
  /**
   * Removes at most `limit` rows that ended before `before`; how many it removed. `before` must lie
   * an access token's life in the past: a revocation is remembered until the last token has ended.
   */
  removeExpired(before: number, limit: number): Promise<number>
}
