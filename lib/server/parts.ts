import type { Accounts } from '../account/accounts'
import type { Judge } from '../client/client'
import type { Clients } from '../client/clients'
import type { Deadline } from '../plugin/deadline'
import type { Clock, Log } from '../plugin/plugin'
import type { Registry } from '../plugin/registry'
import type { Keys } from '../token/keys'
import type { TokenStore } from '../token/token-store'
import type { Tell } from './audit'
import type { Pages } from './pages'
import type { Sessions } from './sessions'
import type { Connections } from './stale-connection'
import type { Throttle } from './throttle'

/** How long tokens live and how they are renewed; in seconds, as `deployment.toml` has them. */
export interface TokenSettings {
  app_access_token_validity: number
  user_access_token_validity: number
  authorization_code_validity: number
  refresh_token_validity: number
  renew_refresh_token: boolean
  /** Seconds in which a used refresh token brings its successor once more. */
  grace: number
}

/** `[oauth.dcr]` */
export interface RegistrationSettings {
  enable: boolean
  per_hour: number
  clients: number
}

/**
 * What the server is made of. Each function names the parts that it takes (`Pick`), so that its head
 * says what it can touch.
 */
export interface Parts {
  readonly issuer: string
  /** Where certificates are required, in the public name; undefined: there is no such listener. */
  readonly mtlsUrl: string | undefined
  /** Before each endpoint but `/health`, `/oidc` and `/.well-known`: `/oauth2`. */
  readonly path: string
  /** The chain that is on now; a reload puts another in its place. */
  readonly registry: Registry
  readonly clients: Clients
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly tokens: TokenStore
  readonly keys: Keys
  readonly judge: Judge
  readonly connections: Connections
  readonly deadline: Deadline
  readonly throttle: Throttle
  readonly clock: Clock
  readonly log: Log
  readonly tell: Tell
  readonly settings: TokenSettings
  readonly registration: RegistrationSettings
  readonly pages: Pages
}
