import type { Trust } from '../certificate/trust'
import type { Log } from '../plugin/plugin'

/**
 * What the process needs of an authorization server: enough to serve it, to tell it what happens to
 * the process, and to have it read its configuration again.
 */
export interface Served {
  /** Throws before it is known, which with `port = 0` is when the listener is bound. */
  readonly issuer: string
  /** Where the process listens: the issuer, where none was configured and the port is 0. */
  listensAt(url: string, mtlsUrl?: string): void
  readonly trust: Trust
  /** Equal in two processes whose chains were made of the same settings. */
  readonly chainDigest: string
  /** The server's audit and event lines go there from now on. */
  logTo(log: Log): void
  health(): Promise<{ status: 'ready' | 'degraded' | 'unavailable'; reasons: readonly string[] }>
  /** What the process knows of its own health, asked for each time. */
  reportHealth(reasons: () => HealthReasons): void
  /** Reads configuration, chain, trust and keys again. Throws `SetupError` and keeps the old state. */
  reload(): Promise<void>
  /** Logs the chain and what is insecure about it; how many clients no handler serves. */
  announce(): Promise<{ unserved: number }>
  /** The process answers requests from now on. */
  started(): Promise<void>
  close(): Promise<void>
}

export interface HealthReasons {
  degraded: string[]
  unavailable: string[]
}
