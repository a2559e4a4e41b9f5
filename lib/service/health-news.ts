/**
 * Whoever reads the log and nothing else hears when `/health` says something new: a certificate of ours
 * that ends, a revocation list that is stale, a store that does not answer though nobody asks just now.
 */
import type { Log } from '../plugin/plugin'
import type { Served } from './served'

export interface HealthNews {
  /** Looks now and not only at the next turn. Never rejects: a look that fails says nothing. */
  look(): Promise<void>
  close(): void
}

/** Milliseconds. */
const interval = 30_000

export function watchHealth(server: Pick<Served, 'health'>, log: Log): HealthNews {
  let told = 'ready'
  const tell = async () => {
    const { status, reasons } = await server.health()
    const news = [status, ...reasons].join(' ')
    if (news === told) return
    told = news
    log[status === 'ready' ? 'info' : 'warn']('health.changed', { status, reasons })
  }
  const look = () => tell().catch(() => undefined)
  const timer = setInterval(look, interval).unref()
  return { look, close: () => clearInterval(timer) }
}
