import type { Account } from '../account/account-store'
import type { FoundCode, FoundRefreshToken } from '../token/token-store'

export type { FoundCode } from '../token/token-store'

/** What our own grants use, and nothing more: the whole of what a plugin can reach. */
export interface Accounts {
  /** The account when name and password are right and it is not disabled; takes the same time otherwise. */
  verify(
    username: string,
    password: string,
  ): Promise<Pick<Account, 'account_id' | 'username'> | undefined>
}

export interface RefreshTokens {
  /** Looks a presented refresh token up by its digest, used and revoked ones included. */
  find(refresh_token: string): Promise<FoundRefreshToken | undefined>
}

export interface Codes {
  find(code: string): Promise<FoundCode | undefined>
}

export interface Replay {
  /** True when `key` was seen before; otherwise it is from now on, until `expires` (milliseconds). */
  seen(key: string, expires: number): Promise<boolean>
}
