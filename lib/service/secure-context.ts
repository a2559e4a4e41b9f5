/**
 * The TLS side of a listener: what may change while it serves. Never Node's default roots, no
 * renegotiation, no resumption unless asked for.
 */
import { constants, createHash, randomBytes } from 'node:crypto'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import type { Trust } from '../certificate/trust'

export interface TlsSettings {
  trust: Pick<Trust, 'epoch' | 'tlsOptions'>
  /** TLSv1.3 unless given. */
  minTlsVersion?: 'TLSv1.2' | 'TLSv1.3'
  /**
   * Off unless given. A resumed session carries the verdict of its first handshake, so with tickets
   * the keys and the session context change whenever the trust set does.
   */
  sessionTickets?: boolean
}

/** For `https.createServer` and, after a change, for `setSecureContext`. */
export function secureContext(settings: TlsSettings): SecureContextOptions & TlsOptions {
  const { trust, minTlsVersion = 'TLSv1.3', sessionTickets = false } = settings
  return {
    ...trust.tlsOptions(),
    minVersion: minTlsVersion,
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | (sessionTickets ? 0 : constants.SSL_OP_NO_TICKET),
    ...(sessionTickets ? ticketsFor(trust.epoch) : {}),
  }
}

/** Keys of this process alone: a ticket of another one means a full handshake. */
function ticketsFor(epoch: number) {
  return {
    ticketKeys: randomBytes(48),
    sessionIdContext: createHash('sha256')
      .update(`mtls-secret ${epoch}`)
      .digest('hex')
      .slice(0, 32),
    sessionTimeout: 300,
  }
}
