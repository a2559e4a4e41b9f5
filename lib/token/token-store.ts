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
  /** Audiences granted (RFC 8707); empty: the issuer. */
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
   * used before, has expired or belongs to a revoked grant.
   */
  commitIssue(issue: Issue): Promise<boolean>
  /** Revokes a grant: its refresh tokens end at once. False when it was revoked before or is unknown. */
  revokeGrant(grant_id: string, now: number): Promise<boolean>
  findGrant(grant_id: string): Promise<Grant | undefined>
  /** True when `key` was there before; otherwise it is now, until `expires`. */
  seen(key: string, expires: number, now: number): Promise<boolean>
  /** Removes at most `limit` rows that ended before `now`; how many it removed. */
  removeExpired(now: number, limit: number): Promise<number>
}
