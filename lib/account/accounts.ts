import { randomUUID } from 'node:crypto'
import { SetupError } from '../error/setup-error'
import type { Account, AccountStore } from './account-store'
import { hashPassword, verifyPassword } from './password'

/** An account without its password. */
export type AccountFacts = Omit<Account, 'password'>

export interface Accounts {
  /** The account when name and password are right and it is not disabled; otherwise undefined, after the same work. */
  verify(
    username: string,
    password: string,
  ): Promise<Pick<Account, 'account_id' | 'username'> | undefined>
  find(username: string): Promise<AccountFacts | undefined>
  findById(account_id: string): Promise<AccountFacts | undefined>
  /** Throws `SetupError` when the name is taken, or name or password can't be used. */
  create(username: string, password: string): Promise<AccountFacts>
  /** Revokes every grant of the account as well. Throws `SetupError` when there is no such account. */
  setPassword(username: string, password: string): Promise<AccountFacts>
  /** Revokes every grant of the account as well. Throws `SetupError` when there is no such account. */
  disable(username: string): Promise<AccountFacts>
}

/** The end users of a store. */
export function openAccounts(store: AccountStore, clock: { now(): number }): Accounts {
  return { verify, find, findById, create, setPassword, disable }

  async function verify(username: string, password: string) {
    const account = await store.findAccount(username)
    if (!(await verifyPassword(password, account?.password))) return undefined
    // Checking takes its time, and waiting for it more: whoever was shut out meanwhile stays out.
    const now = await store.findAccount(username)
    if (now === undefined || now.disabled || now.password !== account?.password) return undefined
    return { account_id: now.account_id, username: now.username }
  }

  async function find(username: string) {
    return withoutPassword(await store.findAccount(username))
  }

  async function findById(account_id: string) {
    return withoutPassword(await store.findAccountById(account_id))
  }

  async function create(username: string, password: string) {
    checkUsername(username)
    checkPassword(password)
    const account = {
      account_id: randomUUID(),
      username,
      disabled: false,
      created: clock.now(),
    }
    if (await store.insertAccount({ ...account, password: await hashPassword(password) })) {
      return account
    }
    throw new SetupError(`There is a user "${username}" already.`, 'Choose another name.')
  }

  async function setPassword(username: string, password: string) {
    checkPassword(password)
    await existing(username)
    await store.setPassword(username, await hashPassword(password), clock.now())
    return existing(username)
  }

  async function disable(username: string) {
    await store.setDisabled(username, true, clock.now())
    return existing(username)
  }

  async function existing(username: string): Promise<AccountFacts> {
    const account = await find(username)
    if (account !== undefined) return account
    throw new SetupError(`There is no user "${username}".`, 'Check the name.')
  }
}

/** What a token request may carry at most; a longer name or password could never be used. */
const maxBytes = 512

function checkUsername(username: string): void {
  if (fits(username) && !/[\p{Cc}\p{Surrogate}]|^\s|\s$/u.test(username)) return
  throw new SetupError(
    `A user name must have 1 to ${maxBytes} bytes, without control characters or blanks around it.`,
    'Choose another name.',
  )
}

function checkPassword(password: string): void {
  if (fits(password) && !/[\0\p{Surrogate}]/u.test(password)) return
  throw new SetupError(`A password must have 1 to ${maxBytes} bytes.`, 'Choose another password.')
}

function fits(text: string): boolean {
  const bytes = Buffer.byteLength(text)
  return bytes > 0 && bytes <= maxBytes
}

function withoutPassword(account: Account | undefined): AccountFacts | undefined {
  if (account === undefined) return undefined
  const { password: _, ...facts } = account
  return facts
}
