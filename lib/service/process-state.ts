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
  /** Keys of `[server]` that differ and that only a new start brings into force. */
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
    return { needRestart: bound.filter((key) => differs(given, next, key)) }
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
const bound = [
  'hostname',
  'node_ip',
  'port',
  'issuer',
  'workers',
  'min_tls_version',
  'session_tickets',
  'mtls',
] as const

function differs(before: ServeSettings, now: ServeSettings, key: (typeof bound)[number]) {
  return JSON.stringify(before.server[key]) !== JSON.stringify(now.server[key])
}
