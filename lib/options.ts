import { resolve } from 'node:path'
import type { CertificateSource } from './certificate/source'
import type { Trust } from './certificate/trust'
import { parseSettings } from './config/load-settings'
import { didYouMean } from './error/did-you-mean'
import { SetupError } from './error/setup-error'
import type { Deployment } from './load-deployment'
import type { Clock, Log } from './plugin/plugin'
import type { Pages } from './server/pages'
import type { Store } from './store/store'

/** Everything that a `Deployment` says may be spread in; what is left out has the file's defaults. */
export interface AuthorizationServerOptions extends Partial<Deployment> {
  /** Where clients, accounts and tokens are kept. */
  store: Store
  /** Before each endpoint but `/health`, `/oidc` and `/.well-known`; `/oauth2` unless given. */
  path?: string
  /** Pages for people in place of ours, each by itself. */
  pages?: Partial<Pages>
  /** Where certificates come from; what `proxy` says, or else the TLS connection, unless given. */
  certificate?: CertificateSource
  /** Opened from `truststore` unless given. */
  trust?: Trust
  /** Where events go; nowhere until `serve` or `logTo` gives a place. */
  log?: Log
  clock?: Clock
}

type Defaults = Omit<Deployment, 'plugins' | 'issuer' | 'database' | 'file'>
export type CompleteOptions = AuthorizationServerOptions & Defaults

/** Throws `SetupError` for an option that there is not. */
export function completeOptions(options: AuthorizationServerOptions): CompleteOptions {
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue
    throw new SetupError(
      `createAuthorizationServer has no option "${name}".`,
      didYouMean(name, [...known]) ?? `Options: ${[...known].join(', ')}.`,
    )
  }
  // Without a file there is nothing to read again, and no administrator is made up.
  const { file: _, super_admin, ...defaults } = parseSettings('', resolve('deployment.toml'))
  const { plugins: __, database: ___, ...settings } = defaults
  return { ...settings, super_admin: { ...super_admin, create_admin_account: false }, ...options }
}

// biome-ignore format: a list
const known: ReadonlySet<string> = new Set([
  'issuer', 'store', 'path', 'pages', 'certificate', 'trust', 'log', 'clock', 'plugins', 'file', 'locate',
  'server', 'keystore', 'truststore', 'database', 'super_admin', 'oauth', 'throttle', 'proxy', 'console',
  'metrics', 'event_listener',
] satisfies (keyof AuthorizationServerOptions)[])
