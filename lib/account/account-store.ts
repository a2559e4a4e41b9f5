/** An end user, for the password and authorization code grants. Times in milliseconds. */
export interface Account {
  /** The `sub` of tokens; never reused. */
  account_id: string
  username: string
  /** `scrypt$N$r$p$salt$hash`, see `password.ts`. */
  password: string
  disabled: boolean
  created: number
}

/** A browser in which somebody has logged in. */
export interface Session {
  /** Of the cookie's value. */
  digest: string
  account_id: string
  auth_time: number
  expires: number
}

export interface AccountStore {
  findAccount(username: string): Promise<Account | undefined>
  findAccountById(account_id: string): Promise<Account | undefined>
  /** False when the username is taken. */
  insertAccount(account: Account): Promise<boolean>
  /**
   * Sets a password and ends every grant, code and session of the account, in one transaction.
   * False: no such account.
   */
  setPassword(username: string, password: string, now: number): Promise<boolean>
  /**
   * Disabling ends every grant, code and session of the account, in one transaction.
   * False: no such account.
   */
  setDisabled(username: string, disabled: boolean, now: number): Promise<boolean>
  insertSession(session: Session): Promise<void>
  /** Undefined when it has expired. */
  findSession(digest: string, now: number): Promise<Session | undefined>
  /** False when there is none. */
  deleteSession(digest: string): Promise<boolean>
}
