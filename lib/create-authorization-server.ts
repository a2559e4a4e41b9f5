import type { ErrorRequestHandler, RequestHandler, Router } from 'express'
import { type Accounts, openAccounts } from './account/accounts'
import { createAdministrator } from './administrator'
import { proxySource } from './certificate/proxy-header'
import { type CertificateSource, fromTlsConnection } from './certificate/source'
import { openTrust, type Trust } from './certificate/trust'
import { type Clients, openClients } from './client/clients'
import {
  type Authenticate,
  authenticatingMiddleware,
  openAuthenticate,
} from './express/authenticate'
import { errorWriter } from './express/reply'
import { buildRouter, tokenRoute } from './express/router'
import { type AuthorizationServerOptions, type CompleteOptions, completeOptions } from './options'
import { capabilitiesOf } from './plugin/capabilities'
import { openDeadline } from './plugin/deadline'
import type { Log } from './plugin/plugin'
import type { Registry } from './plugin/registry'
import { openRunningChain, type RunningChain } from './running-chain'
import { type Address, openAddress } from './server/address'
import { announceChain } from './server/announce'
import { openTell } from './server/audit'
import { openCleanUp } from './server/clean-up'
import { explainChain } from './server/explain'
import { type Health, type HealthReasons, readHealth } from './server/health'
import { standardPages } from './server/pages'
import type { Parts } from './server/parts'
import { openPins } from './server/pins'
import { openSessions } from './server/sessions'
import { openConnections } from './server/stale-connection'
import { openThrottle } from './server/throttle'
import { type Keys, openKeys } from './token/keys'

export interface AuthorizationServer {
  /** All endpoints. */
  readonly router: Router
  /** The token endpoint, for a route of your own behind an authentication. */
  readonly token: RequestHandler
  /** Writes an `OAuthError` or a failed Passport authentication as OAuth JSON; mount it last. */
  readonly errorHandler: ErrorRequestHandler
  /** Sets `req.oauth.client`. */
  authenticateClient(): RequestHandler
  /**
   * Who is calling; for the strategy. A promise at first, which may reject with an `OAuthError`; when it is
   * known, the result itself.
   */
  readonly authenticate: Authenticate
  readonly clients: Clients
  readonly accounts: Accounts
  readonly keys: Keys
  readonly trust: Trust
  readonly certificate: CertificateSource
  /** The chain in order; `String(server.handlers)` prints it. */
  readonly handlers: Registry
  /** Equal in two processes whose chains were made of the same settings. */
  readonly chainDigest: string
  /** Throws `SetupError` while `port = 0` has not been bound. */
  readonly issuer: string
  /** Gives the issuer its value where neither `issuer` nor a port was set. */
  listensAt(url: string, mtlsUrl?: string): void
  /** Events go here from now on. */
  logTo(log: Log): void
  health(): Promise<Health>
  /** More reasons for `health`, of the process around the server. */
  reportHealth(reasons: () => HealthReasons): void
  /** Reads configuration, trust and keys again; on any error throws and keeps the old state. */
  reload(): Promise<void>
  /**
   * Logs the chain, and what about it is insecure: `chain.ready`, `chain.warning`. Gives how many clients
   * no handler serves.
   */
  announce(): Promise<{ unserved: number }>
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
  given: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const options = completeOptions(given)
  const closers: Closer[] = []
  try {
    await options.store.open()
    return await openServer(options, closers)
  } catch (cause) {
    await closeInReverse(closers)
    throw cause
  }
}

type Closer = () => unknown

/** Whatever it opens it puts on `closers`. */
async function openServer(
  options: CompleteOptions,
  closers: Closer[],
): Promise<AuthorizationServer> {
  const { store, clock = Date, path = '/oauth2' } = options
  const log = openRelay(options.log)
  const trust = options.trust ?? (await openTrust(options.truststore))
  const pins = openPins(store, trust)
  await pins.refresh()
  const keys = await openKeys(await keySettings(options), store, clock)
  closers.push(keys.close)
  const clients = openClients(store, clock)
  closers.push(clients.close)
  const accounts = openAccounts(store, clock)
  await createAdministrator(accounts, options)
  const address = openAddress(options.issuer, options.server, path)
  const capabilities = capabilitiesOf({ store, accounts, clock, log, urls: address })
  const chain = await openRunningChain(options, capabilities)
  closers.push(chain.close)
  const deadline = openDeadline(options.server.limits.handler_timeout * 1000)
  closers.push(deadline.close)

  const parts = runningParts(chain, address, {
    path,
    clients,
    accounts,
    sessions: openSessions(store, accounts, clock),
    tokens: store,
    keys,
    judge: { trust, clock, refreshPins: pins.refresh },
    connections: openConnections(trust),
    deadline,
    throttle: openThrottle(store, clock, () => chain.current.throttle),
    clock,
    log,
    tell: openTell(() => chain.current.registry, log),
    pages: { ...standardPages, ...options.pages },
  })
  closers.push(openCleanUp(parts, store).close)
  const receiver = {
    source: sourceOf(options),
    limit: () => chain.current.options.server.limits.body_bytes,
  }
  const authenticate = openAuthenticate(parts, receiver)
  const token = tokenRoute(parts, receiver, authenticate)
  let moreReasons = (): HealthReasons => ({ degraded: [], unavailable: [] })
  const health = () => readHealth({ store, keys, trust, clock }, moreReasons())

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
    certificate: receiver.source,
    get handlers() {
      return chain.current.registry
    },
    get chainDigest() {
      return chain.current.digest
    },
    get issuer() {
      return address.issuer
    },
    listensAt: address.set,
    logTo: log.relayTo,
    health,
    reportHealth(reasons) {
      moreReasons = reasons
    },
    async reload() {
      await chain.reload(async ({ truststore }) => {
        // A trust set that the program gave has the program's settings.
        const next = options.trust === undefined ? { settings: truststore } : undefined
        const prepared = [await trust.prepareReload(next), await keys.prepareReload()]
        return () => {
          for (const bringIntoForce of prepared) bringIntoForce()
        }
      })
      parts.tell('reloaded', { chain: idsOf(chain.current.registry) })
    },
    async announce() {
      const { registry, options: settings } = chain.current
      const { plugins, keystore } = settings
      if (keys.signing() === undefined) log.error('key.missing', keyMissing(keystore.primary))
      const groups = await store.groupClients()
      return announceChain(log, await explainChain({ registry, plugins, settings, groups }))
    },
    async started() {
      parts.tell('started', { issuer: address.issuer, chain: idsOf(chain.current.registry) })
    },
    async close() {
      parts.tell('stopped', {})
      await closeInReverse(closers)
      await store.close()
    },
  }
}

type Changing = 'issuer' | 'mtlsUrl' | 'registry' | 'registration' | 'settings'

/**
 * What stays, and what a reload or a bound port changes. A class has the accessors: a literal with one is a
 * hash table to V8, and a token request looks here some sixty times.
 */
function runningParts(chain: RunningChain, address: Address, fixed: Omit<Parts, Changing>): Parts {
  class Running implements Pick<Parts, Changing> {
    get issuer() {
      return address.issuer
    }
    get mtlsUrl() {
      return address.mtlsUrl
    }
    get registry() {
      return chain.current.registry
    }
    get registration() {
      return chain.current.registration
    }
    get settings() {
      return chain.current.tokens
    }
  }
  return Object.assign(new Running(), fixed)
}

function keyMissing({ directory }: CompleteOptions['keystore']['primary']) {
  return {
    directory,
    problem: 'The key that signs is not in the folder: no token can be issued.',
    fix: 'Restore it from a copy, or run: mtls-secret keys rotate.',
  }
}

async function closeInReverse(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

/** A log whose place is known only later. */
function openRelay(first: Log | undefined): Log & { relayTo(log: Log): void } {
  let target = first
  return {
    info: (event, facts) => target?.info(event, facts),
    warn: (event, facts) => target?.warn(event, facts),
    error: (event, facts) => target?.error(event, facts),
    relayTo(log) {
      target = log
    },
  }
}

/** Exactly one source: what is given, what `[proxy]` says, or the TLS connection. */
function sourceOf({ certificate, proxy }: CompleteOptions): CertificateSource {
  return certificate ?? (proxy === undefined ? fromTlsConnection() : proxySource(proxy))
}

/** A memory store forgets, and so does its key; machines that share a database are given theirs. */
async function keySettings({
  keystore,
  store,
}: CompleteOptions): Promise<Parameters<typeof openKeys>[0]> {
  const { store: kind } = await store.status()
  const { directory, algorithm, overlap } = keystore.primary
  return {
    directory: kind === 'memory' ? undefined : directory,
    algorithm,
    overlap,
    mayCreate: kind !== 'postgres',
  }
}

function idsOf({ links }: Registry): string[] {
  return links.map(({ id }) => id)
}
