import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Presented, presentedByTls } from './presented'

/** What a source may look at: a Node request has it all. */
export interface SourceRequest {
  readonly socket: Duplex & { readonly remoteAddress?: string | undefined }
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

export interface SourceReading {
  readonly presented: Presented | undefined
  /** A certificate was shown and is not believed: it came by header from a peer that is no proxy of ours. */
  readonly unread: 'untrusted_proxy_header' | undefined
  /** The caller's address, for the audit line and the throttle. */
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

/** The TLS connection itself; a certificate in a header is not looked at. */
export function fromTlsConnection(): CertificateSource {
  return tlsConnection
}

const tlsConnection: CertificateSource = {
  read: ({ socket }) => ({
    presented: presentedByTls(socket),
    unread: undefined,
    address: socket.remoteAddress,
  }),
}
