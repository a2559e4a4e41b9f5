import type { Account } from '../account/account-store'
import { digestOpaque } from '../token/opaque'
import type { FoundCode, FoundRefreshToken, TokenStore } from '../token/token-store'
import type { Clock, Log, ServerUrls, SetupContext } from './plugin'

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
  /**
   * True when this plugin has seen `key` before; otherwise it has from now on, until `expires`
   * (milliseconds since 1970). Another plugin's keys are its own.
   */
  seen(key: string, expires: number): Promise<boolean>
}

/** What every plugin is given beside its properties. */
export type Capabilities = Omit<SetupContext<unknown>, 'properties'>

export interface CapabilitySources {
  store: Pick<TokenStore, 'findRefreshToken' | 'findCode' | 'seen'>
  accounts: Accounts
  clock: Clock
  log: Log
  urls: ServerUrls
}

/**
 * The capabilities, cut down to what their types say and frozen: what one plugin does to them by
 * mistake must not reach the server or the next plugin.
 */
export function capabilitiesOf(sources: CapabilitySources): Capabilities {
  const { store, accounts, clock, log, urls } = sources
  return {
    urls: Object.freeze({
      get issuer() {
        return urls.issuer
      },
      get token_endpoints() {
        return Object.freeze([...urls.token_endpoints])
      },
    }),
    clock: Object.freeze({ now: () => clock.now() }),
    log: Object.freeze<Log>({
      info: (event, facts) => log.info(event, facts),
      warn: (event, facts) => log.warn(event, facts),
      error: (event, facts) => log.error(event, facts),
    }),
    accounts: Object.freeze<Accounts>({
      async verify(username, password) {
        const account = await accounts.verify(username, password)
        return account && { account_id: account.account_id, username: account.username }
      },
    }),
    refreshTokens: Object.freeze<RefreshTokens>({
      async find(refresh_token) {
        const found = await store.findRefreshToken(digestOpaque(refresh_token))
        return found && Object.freeze({ ...found, grant: Object.freeze({ ...found.grant }) })
      },
    }),
    codes: Object.freeze<Codes>({
      async find(code) {
        const found = await store.findCode(digestOpaque(code))
        return found && Object.freeze({ ...found })
      },
    }),
    replay: Object.freeze<Replay>({
      seen: async (key, expires) => store.seen(key, expires, clock.now()),
    }),
  }
}

/** The same with a memory of used keys that is this plugin's alone. */
export function capabilitiesFor(name: string, { replay, ...shared }: Capabilities): Capabilities {
  return {
    ...shared,
    replay: Object.freeze<Replay>({
      seen: (key, expires) => replay.seen(JSON.stringify([name, key]), expires),
    }),
  }
}
