import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { normaliseIp } from './ip'
import { type Presented, presentedByTls } from './presented'

/** What a source may look at: a Node request has it all. */
export interface SourceRequest {
  readonly socket: SourceSocket
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

export type SourceSocket = Duplex & { readonly remoteAddress?: string | undefined }

export interface SourceReading {
  readonly presented: Presented | undefined
  /** A certificate was shown and is not believed: it came by header from a peer that is no proxy of ours. */
  readonly unread: 'untrusted_proxy_header' | undefined
  /** The caller's address, for the audit line and the throttle; undefined behind a proxy that doesn't say. */
  readonly address: string | undefined
}

/**
 * Where certificates come from. A listener has exactly one source: what the connection shows and what
 * a header says are never mixed.
 */
export interface CertificateSource {
  /** Throws `OAuthError` `invalid_request` for a header that stands twice. */
  read(request: SourceRequest): SourceReading
}

/**
 * The TLS connection itself; a certificate in a header is not looked at.
 *
 * @example
 * const { presented } = fromTlsConnection().read(req)
 */
export function fromTlsConnection(): CertificateSource {
  return tlsConnection
}

/** The address of the connection's other end. */
export function addressOf({ remoteAddress }: SourceSocket): string | undefined {
  return remoteAddress === undefined ? undefined : normaliseIp(remoteAddress)
}

const tlsConnection: CertificateSource = Object.freeze({
  read({ socket }: SourceRequest): SourceReading {
    const presented = presentedByTls(socket)
    const known = readings.get(socket)
    if (known !== undefined && known.presented === presented) return known
    const reading = { presented, unread: undefined, address: addressOf(socket) }
    readings.set(socket, reading)
    return reading
  },
})

/** Made once per connection: neither its certificate nor its other end can change. */
const readings = new WeakMap<SourceSocket, SourceReading>()
