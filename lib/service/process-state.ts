/**
 * What a process runs on and may read again while it serves: the settings, the listeners'
 * certificate, and behind them the server's chain, trust and keys. A reload takes the whole or
 * nothing; two never overlap.
 */

import { loadSettings } from '../config/load-settings'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import { readServerCertificate, type ServerCertificate } from './server-certificate'

/** `files`: certificates, revocation lists and keys alone, as when one of them was written. */
export type Scope = 'everything' | 'files'

export interface ProcessState {
  readonly settings: ServeSettings
  readonly certificate: ServerCertificate
  /** Throws `SetupError` and keeps the old state. */
  reload(scope: Scope): Promise<Reloaded>
}

export interface Reloaded {
  /** Keys and tables that differ and that only a new start brings into force. */
  needRestart: string[]
}

export async function openState(server: Served, given: ServeSettings): Promise<ProcessState> {
  let settings = given
  let certificate = await readServerCertificate(settings)
  let last: Promise<unknown> = Promise.resolve()

  async function readAgain(scope: Scope): Promise<Reloaded> {
    const next = scope === 'everything' ? await loadSettings(settings.file) : settings
    // What can be refused without a trace comes first.
    const nextCertificate = await readServerCertificate(next)
    if (scope === 'everything') await server.reload()
    else await server.trust.reload()
    settings = next
    certificate = nextCertificate
    return { needRestart: differences(given, next) }
  }

  return {
    get settings() {
      return settings
    },
    get certificate() {
      return certificate
    },
    reload(scope) {
      const reloaded = last.then(() => readAgain(scope))
      last = reloaded.catch(() => undefined)
      return reloaded
    },
  }
}

/** What a bound listener and a running process can't change. */
const bound: Readonly<Record<string, (settings: ServeSettings) => unknown>> = {
  hostname: ({ server }) => server.hostname,
  node_ip: ({ server }) => server.node_ip,
  port: ({ server }) => server.port,
  issuer: ({ server }) => server.issuer,
  workers: ({ server }) => server.workers,
  min_tls_version: ({ server }) => server.min_tls_version,
  session_tickets: ({ server }) => server.session_tickets,
  mtls: ({ server }) => server.mtls,
  handler_timeout: ({ server }) => server.limits.handler_timeout,
  'keystore.primary': ({ keystore }) => keystore.primary,
  // A deployment has the variable's content beside its name; the file has the name alone.
  database: ({ database: { url, url_env, synchronous } }) => [url_env ?? url, synchronous],
  proxy: ({ proxy }) => proxy,
  // The account is made at a start alone, where there is none of that name.
  super_admin: ({ super_admin }) => super_admin,
}

function differences(before: ServeSettings, now: ServeSettings): string[] {
  const differ = ([, of]: (typeof entries)[number]) =>
    JSON.stringify(of(before)) !== JSON.stringify(of(now))
  const entries = Object.entries(bound)
  return entries.filter(differ).map(([name]) => name)
}
