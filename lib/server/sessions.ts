import type { AccountStore } from '../account/account-store'
import type { Accounts } from '../account/accounts'
import type { Clock } from '../plugin/plugin'
import { digestOpaque, newOpaqueToken } from '../token/opaque'

/**
 * Who is logged in, by the cookie of a browser. Its value is new at each login, so that nobody can be
 * made to log in under a value that somebody else knows; only its digest is stored.
 */
export interface Sessions {
  find(cookie: string | undefined): Promise<Login | undefined>
  /** The new value of the cookie. */
  start(account_id: string): Promise<string>
  end(cookie: string | undefined): Promise<void>
}

export interface Login {
  account_id: string
  username: string
  /** Milliseconds since 1970. */
  auth_time: number
}

/** A working day, in milliseconds; the browser itself forgets the cookie when it is closed. */
const lifetime = 8 * 3_600_000

export function openSessions(
  store: Pick<AccountStore, 'insertSession' | 'findSession' | 'deleteSession'>,
  accounts: Pick<Accounts, 'findById'>,
  clock: Clock,
): Sessions {
  return {
    async find(cookie) {
      if (cookie === undefined) return undefined
      const session = await store.findSession(digestOpaque(cookie), clock.now())
      const account = session && (await accounts.findById(session.account_id))
      if (account === undefined || account.disabled) return undefined
      const { account_id, username } = account
      return { account_id, username, auth_time: session?.auth_time ?? 0 }
    },
    async start(account_id) {
      const cookie = newOpaqueToken()
      const auth_time = clock.now()
      const expires = auth_time + lifetime
      await store.insertSession({ digest: digestOpaque(cookie), account_id, auth_time, expires })
      return cookie
    },
    async end(cookie) {
      if (cookie !== undefined) await store.deleteSession(digestOpaque(cookie))
    },
  }
}
