import { resolve } from 'node:path'
import type { ErrorRequestHandler, RequestHandler, Router } from 'express'
import { standardPlugins } from '../plugins'
import { type Accounts, openAccounts } from './account/accounts'
import { type CertificateSource, fromTlsConnection } from './certificate/source'
import { openTrust, type Trust } from './certificate/trust'
import { type Clients, openClients } from './client/clients'
import { parseSettings } from './config/load-settings'
import { resolveSecret } from './config/secret'
import { didYouMean } from './error/did-you-mean'
import { SetupError } from './error/setup-error'
import {
  type Authenticate,
  authenticatingMiddleware,
  openAuthenticate,
} from './express/authenticate'
import { errorWriter } from './express/reply'
import { buildRouter, type Health, tokenRoute } from './express/router'
import { type Deployment, loadDeployment } from './load-deployment'
import { type AnyPlugin, composeChain } from './plugin/chain'
import { openDeadline } from './plugin/deadline'
import type { Clock, Log } from './plugin/plugin'
import { openRegistry, type Registry } from './plugin/registry'
import { openAddress } from './server/address'
import { openTell } from './server/audit'
import { unservedClients } from './server/authenticate-client'
import { type Pages, standardPages } from './server/pages'
import type { Parts } from './server/parts'
import { openPins } from './server/pins'
import { openSessions } from './server/sessions'
import type { Store } from './store/store'
import { type Keys, openKeys } from './token/keys'
import { digestOpaque } from './token/opaque'

/** Everything that a `Deployment` says may be spread in; what is left out has the file's defaults. */
export interface AuthorizationServerOptions extends Partial<Deployment> {
  /** Where clients, accounts and tokens are kept. */
  store: Store
  /** Before each endpoint but `/health`, `/oidc` and `/.well-known`; `/oauth2` unless given. */
  path?: string
  /** Pages for people in place of ours, each by itself. */
  pages?: Partial<Pages>
  /** Where certificates come from; the TLS connection unless given. */
  certificate?: CertificateSource
  /** Opened from `truststore` unless given. */
  trust?: Trust
  /** Where events go; nowhere until `serve` or `logTo` gives a place. */
  log?: Log
  clock?: Clock
}

export interface AuthorizationServer {
  /** All endpoints. */
  readonly router: Router
  /** The token endpoint, for a route of your own behind an authentication. */
  readonly token: RequestHandler
  /** Writes an `OAuthError` or a failed Passport authentication as OAuth JSON; mount it last. */
  readonly errorHandler: ErrorRequestHandler
  /** Sets `req.oauth.client`. */
  authenticateClient(): RequestHandler
  /** Who is calling; for the strategy. Throws `OAuthError`. */
  readonly authenticate: Authenticate
  readonly clients: Clients
  readonly accounts: Accounts
  readonly keys: Keys
  readonly trust: Trust
  readonly certificate: CertificateSource
  /** The chain in order; `String(server.handlers)` prints it. */
  readonly handlers: Registry
  /** Throws `SetupError` while `port = 0` has not been bound. */
  readonly issuer: string
  /** Gives the issuer its value where neither `issuer` nor a port was set. */
  listensAt(url: string, mtlsUrl?: string): void
  /** Events go here from now on. */
  logTo(log: Log): void
  health(): Promise<Health>
  /** More reasons for `health`, of the process around the server. */
  reportHealth(reasons: () => { degraded: string[]; unavailable: string[] }): void
  /** Reads configuration, trust and keys again; on any error throws and keeps the old state. */
  reload(): Promise<{ unserved: number }>
  /** Tells the listeners that requests are served from now on. */
  started(): Promise<void>
  close(): Promise<void>
}

/**
 * An authorization server, ready to be mounted.
 * Throws `SetupError` for a wrong option, chain, key or truststore; nothing is half-open then.
 *
 * @example
 * const server = await createAuthorizationServer({
 *   issuer: 'https://localhost:9443', store: sqliteStore('clients.db') })
 * app.use(server.router)
 */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  refuseUnknown(options)
  const settings = { ...defaults(), ...options }
  const { store, clock = Date, path = '/oauth2' } = options
  const closers: (() => unknown)[] = []
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }

  try {
    await store.open()
    const trust = options.trust ?? (await openTrust(settings.truststore))
    const pins = openPins(store, trust)
    await pins.refresh()
    const source = options.certificate ?? fromTlsConnection()
    const keys = await openKeys(await keySettings(settings, store), store, clock)
    closers.push(keys.close)
    const clients = openClients(store, clock)
    closers.push(clients.close)
    const accounts = openAccounts(store, clock)
    if (options.super_admin !== undefined) await createAdministrator(accounts, options.super_admin)

    let target = options.log
    const log: Log = {
      info: (event, facts) => target?.info(event, facts),
      warn: (event, facts) => target?.warn(event, facts),
      error: (event, facts) => target?.error(event, facts),
    }
    const address = openAddress(options.issuer, settings.server, path)
    const open = (plugins: readonly AnyPlugin[], { event_listener }: typeof settings) =>
      openRegistry(composeChain(plugins, event_listener), {
        clock,
        log,
        urls: address,
        accounts,
        refreshTokens: { find: (token) => store.findRefreshToken(digestOpaque(token)) },
        codes: { find: (code) => store.findCode(digestOpaque(code)) },
        replay: { seen: (key, expires) => store.seen(key, expires, clock.now()) },
      })
    const plugins = options.plugins ?? standardPlugins
    let current = { settings, registry: await open(plugins, settings) }
    closers.push(() => current.registry.close())
    const deadline = openDeadline(settings.server.limits.handler_timeout * 1000)
    closers.push(deadline.close)

    const parts: Parts = {
      path,
      get issuer() {
        return address.issuer
      },
      get mtlsUrl() {
        return address.mtlsUrl
      },
      get registry() {
        return current.registry
      },
      get registration() {
        return current.settings.oauth.dcr
      },
      get settings() {
        const { token_validation, token_renewal } = current.settings.oauth
        return { ...token_validation, ...token_renewal }
      },
      clients,
      accounts,
      sessions: openSessions(store, accounts, clock),
      tokens: store,
      keys,
      judge: { trust, clock, refreshPins: pins.refresh },
      deadline,
      clock,
      log,
      tell: openTell(() => current.registry, log),
      pages: { ...standardPages, ...options.pages },
    }
    const receiver = { source, limit: settings.server.limits.body_bytes }
    const authenticate = openAuthenticate(parts, receiver)
    const token = tokenRoute(parts, receiver, authenticate)
    let moreReasons = (): { degraded: string[]; unavailable: string[] } => ({
      degraded: [],
      unavailable: [],
    })
    const health = async (): Promise<Health> => {
      const { degraded, unavailable } = moreReasons()
      await store.ping().catch(() => unavailable.push('store'))
      if (keys.signing() === undefined) unavailable.push('no_signing_key')
      if (unavailable.length > 0) return { status: 'unavailable', reasons: unavailable }
      return { status: degraded.length > 0 ? 'degraded' : 'ready', reasons: degraded }
    }

    return {
      router: buildRouter(parts, { token, health, receiver, authenticate }),
      token,
      errorHandler: errorWriter(parts),
      authenticateClient: () => authenticatingMiddleware(authenticate),
      authenticate,
      clients,
      accounts,
      keys,
      trust,
      certificate: source,
      get handlers() {
        return current.registry
      },
      get issuer() {
        return parts.issuer
      },
      listensAt: address.set,
      logTo(log) {
        target = log
      },
      health,
      reportHealth(reasons) {
        moreReasons = reasons
      },
      async reload() {
        const next = await readAgain(settings, plugins)
        const registry = await open(next.plugins, next.settings)
        try {
          await trust.reload()
          await keys.reload()
        } catch (cause) {
          await registry.close()
          throw cause
        }
        const before = current.registry
        current = { settings: next.settings, registry }
        // Requests under way still hold the old handlers; each of them ends within its time limit.
        setTimeout(() => void before.close(), settings.server.limits.handler_timeout * 1000).unref()
        parts.tell('reloaded', { chain: chainOf(registry) })
        return { unserved: await countUnserved(store, registry) }
      },
      async started() {
        parts.tell('started', { issuer: parts.issuer, chain: chainOf(current.registry) })
      },
      async close() {
        parts.tell('stopped', {})
        await closeAll()
        await store.close()
      },
    }
  } catch (cause) {
    await closeAll()
    throw cause
  }
}

/** The defaults of `deployment.toml`, relative paths against the current folder. */
function defaults(): Omit<Deployment, 'plugins' | 'issuer' | 'database'> {
  return parseSettings('', resolve('deployment.toml'))
}

const known: ReadonlySet<string> = new Set([
  'issuer',
  'store',
  'path',
  'pages',
  'certificate',
  'trust',
  'log',
  'clock',
  'plugins',
  'file',
  'locate',
  'server',
  'keystore',
  'truststore',
  'database',
  'super_admin',
  'oauth',
  'throttle',
  'proxy',
  'console',
  'metrics',
  'event_listener',
])

function refuseUnknown(options: object): void {
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue
    throw new SetupError(
      `createAuthorizationServer has no option "${name}".`,
      didYouMean(name, [...known]) ?? `Options: ${[...known].join(', ')}.`,
    )
  }
}

/** A memory store forgets, and so does its key; machines that share a database are given theirs. */
async function keySettings(
  { keystore }: Pick<Deployment, 'keystore'>,
  store: Store,
): Promise<Parameters<typeof openKeys>[0]> {
  const { store: kind } = await store.status()
  const { directory, algorithm, overlap } = keystore.primary
  return {
    directory: kind === 'memory' ? undefined : directory,
    algorithm,
    overlap,
    mayCreate: kind !== 'postgres',
  }
}

async function createAdministrator(
  accounts: Accounts,
  admin: Deployment['super_admin'],
): Promise<void> {
  if (!admin.create_admin_account || (await accounts.find(admin.username)) !== undefined) return
  const password = await resolveSecret(admin, ['super_admin'])
  await accounts.create(admin.username, password ?? '')
}

/** The file again, where there is one; plugins given by code stay. */
async function readAgain<Settings extends Partial<Deployment>>(
  settings: Settings,
  plugins: readonly AnyPlugin[],
): Promise<{ settings: Settings; plugins: AnyPlugin[] }> {
  const { file } = settings
  if (file === undefined) return { settings, plugins: [...plugins] }
  const next = await loadDeployment(file)
  const byName = new Map([...plugins, ...next.plugins].map((plugin) => [plugin.name, plugin]))
  return { settings: { ...settings, ...next }, plugins: [...byName.values()] }
}

function chainOf({ links }: Registry): string[] {
  return links.map(({ id }) => id)
}

/** Clients whose method has no handler any more; they are refused. */
async function countUnserved(store: Store, registry: Registry): Promise<number> {
  return unservedClients(registry, await store.listClients()).length
}
