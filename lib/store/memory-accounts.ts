import type { Account, AccountStore } from '../account/account-store'
import { type MemoryTables, removeWhere } from './memory-tables'
import { refuseMissing } from './memory-tokens'
import { refuseUnstorable } from './text'

export function memoryAccounts(tables: MemoryTables): AccountStore {
  const { accounts, grants, codes, sessions } = tables

  const named = (username: string) =>
    [...accounts.values()].find((account) => account.username === username)

  function change(username: string, to: Partial<Account>): Account | undefined {
    refuseUnstorable([username, ...Object.values(to)])
    const account = named(username)
    if (account === undefined) return undefined
    accounts.set(account.account_id, { ...account, ...to })
    tables.version++
    return account
  }

  function endAll({ account_id }: Account, now: number): void {
    for (const grant of grants.values()) {
      if (grant.sub !== account_id) continue
      grants.set(grant.grant_id, { ...grant, revoked: grant.revoked ?? now })
    }
    removeWhere(codes, (code) => code.sub === account_id)
    removeWhere(sessions, (session) => session.account_id === account_id)
  }

  return {
    findAccount: async (username) => named(username),
    findAccountById: async (account_id) => accounts.get(account_id),
    async insertAccount(account) {
      refuseUnstorable(Object.values(account))
      if (accounts.has(account.account_id) || named(account.username)) return false
      accounts.set(account.account_id, { ...account })
      tables.version++
      return true
    },
    async setPassword(username, password, now) {
      const account = change(username, { password })
      if (account) endAll(account, now)
      return account !== undefined
    },
    async setDisabled(username, disabled, now) {
      const account = change(username, { disabled })
      if (account && disabled) endAll(account, now)
      return account !== undefined
    },
    async insertSession(session) {
      refuseUnstorable(Object.values(session))
      refuseMissing(accounts, session.account_id)
      sessions.set(session.digest, { ...session })
    },
    async findSession(digest, now) {
      const session = sessions.get(digest)
      return session && session.expires > now ? session : undefined
    },
    deleteSession: async (digest) => sessions.delete(digest),
  }
}
