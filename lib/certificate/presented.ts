import type { Duplex } from 'node:stream'
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { type Certificate, readCertificate } from './certificate'
import { thumbprintOf } from './thumbprint'

/**
 * What a peer presented, and nothing about whether it is any good: reading and judging are apart.
 *
 * This is the only reader of the socket. `authorized` and `authorizationError` are not read, here or
 * anywhere: they are true for a session that was made without a certificate and resumed, stay true
 * after a renegotiation, never notice that a certificate expired, was revoked or lost its CA, and
 * can't tell which CA stood for it. What TLS does prove, by the handshake that every connection
 * needs, is that the peer holds the certificate's key. All the rest is `judge.ts`, for each request.
 */
export interface Presented {
  /** `x5t#S256` */
  readonly thumbprint: string
  /** Its first 16 characters, for log lines. */
  readonly short: string
  /** Must not be changed. */
  readonly der: Buffer
  readonly source: 'tls' | 'proxy'
  /** False: it came from a proxy that does not say whether it verified it. */
  readonly verified: boolean
  /** The view that plugins get. */
  readonly facts: CertificateFacts
  /** Read on first use. Throws `DerError` when it is not a strict certificate. */
  certificate(): Certificate
  /** The intermediate certificates that came with it, none of them believed; at most eight. */
  chain(): readonly Buffer[]
}

/** What a plugin may see of a presented certificate; frozen, made once per connection. */
export interface CertificateFacts {
  readonly thumbprint: string
  /** A copy on each read. */
  readonly der: Buffer
  /** RFC 4514 string, for people; empty when the certificate can't be read. */
  readonly subject: string
  readonly source: 'tls' | 'proxy'
}

/**
 * The certificate of the TLS connection, or undefined when the peer showed none or there is no TLS.
 * Read once per connection, since it can't change: TLS 1.3 has no renegotiation, and on TLS 1.2 it
 * is switched off from the first look on (`serverOptions` refuses it from the beginning).
 */
export function presentedByTls(socket: Duplex): Presented | undefined {
  const known = presentedOn.get(socket)
  if (known !== undefined) return known ?? undefined
  if (!(socket instanceof TLSSocket)) return undefined
  if (socket.getProtocol() !== 'TLSv1.3') refuseRenegotiation(socket)
  // Null once the connection is gone: nothing is presented, and nothing is remembered.
  const peer: { raw?: Buffer } | null = socket.getPeerCertificate()
  if (peer === null) return undefined
  const presented = peer.raw && makePresented(peer.raw, 'tls', () => chainOf(socket))
  presentedOn.set(socket, presented ?? null)
  return presented
}

/** The presented certificate behind a plugin's view; undefined for a view that somebody made up. */
export function presentedBehind(facts: CertificateFacts | undefined): Presented | undefined {
  return facts && presentedOf.get(facts)
}

/** Every source makes its certificates with this. */
export function makePresented(
  der: Buffer,
  source: 'tls' | 'proxy',
  readChain: () => readonly Buffer[] = () => [],
  verified = true,
): Presented {
  const thumbprint = thumbprintOf(der)
  let certificate: Certificate | undefined
  let chain: readonly Buffer[] | undefined
  const presented: Presented = {
    thumbprint,
    short: thumbprint.slice(0, 16),
    der,
    source,
    verified,
    facts: factsOf(der, thumbprint, source, () => presented.certificate().subject),
    certificate: () => (certificate ??= readCertificate(der, thumbprint)),
    chain: () => (chain ??= readChain()),
  }
  presentedOf.set(presented.facts, presented)
  return Object.freeze(presented)
}

const presentedOn = new WeakMap<Duplex, Presented | null>()
const presentedOf = new WeakMap<CertificateFacts, Presented>()
const chainAtMost = 8

function factsOf(
  der: Buffer,
  thumbprint: string,
  source: 'tls' | 'proxy',
  subject: () => string,
): CertificateFacts {
  return Object.freeze({
    thumbprint,
    source,
    get der() {
      return Buffer.from(der)
    },
    get subject() {
      try {
        return subject()
      } catch {
        return ''
      }
    },
  })
}

/** Node only reports an attempt, as an error of the socket, and would let it go on. */
function refuseRenegotiation(socket: TLSSocket): void {
  socket.disableRenegotiation()
  socket.once('error', () => socket.destroy())
}

/** Absent on a resumed session, whose ticket holds the peer's own certificate alone. */
function chainOf(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = []
  const leaf: DetailedPeerCertificate | null = socket.getPeerCertificate(true)
  let issuer: DetailedPeerCertificate | undefined = leaf?.issuerCertificate
  let last = leaf
  // Node closes the chain with a self-signed certificate that names itself as its issuer.
  while (issuer !== undefined && issuer !== last && chain.length < chainAtMost) {
    chain.push(issuer.raw)
    last = issuer
    issuer = issuer.issuerCertificate
  }
  return chain
}
