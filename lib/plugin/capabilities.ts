import type { Account } from '../account/account-store'
import type { FoundRefreshToken } from '../token/token-store'

/** What our own grants use, and nothing more: the whole of what a plugin can reach. */
export interface Accounts {
  /** The account when name and password are right and it is not disabled; takes the same time otherwise. */
  verify(username: string, password: string): Promise<Pick<Account, 'account_id' | 'username'> | undefined>
}

export interface RefreshTokens {
  /** Looks a presented refresh token up by its digest, used and revoked ones included. */
  find(refresh_token: string): Promise<FoundRefreshToken | undefined>
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

export interface Codes {
  find(code: string): Promise<FoundCode | undefined>
}

export interface Replay {
  /** True when `key` was seen before; otherwise it is from now on, until `expires` (milliseconds). */
  seen(key: string, expires: number): Promise<boolean>
}
