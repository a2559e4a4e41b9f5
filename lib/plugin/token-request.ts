import type { Verdict } from '../client/verdict'

/** The facts of a presented certificate that a plugin may see. */
export interface CertificateFacts {
  /** `x5t#S256`: SHA-256 of the DER, base64url. */
  readonly thumbprint: string
  /** A copy of the DER on each read, so that nobody can change what others judge. */
  readonly der: Buffer
  /** RFC 4514 string, for people; never compare by it. */
  readonly subject: string
  /** Where it came from: the TLS connection itself, or a trusted proxy's header. */
  readonly source: 'tls' | 'proxy'
}

/** One request to an endpoint that authenticates clients: parsed, checked and frozen. */
export interface TokenRequest {
  /** From the form body, the Basic header or (where allowed) the query: always from one of them. */
  readonly client_id: string | undefined
  readonly client_secret: string | undefined
  readonly grant_type: string | undefined
  /** Form parameters but for client_secret; no prototype, each once, empty ones left out. */
  readonly parameters: Readonly<Record<string, string>>
  /** Header names in lower case; Cookie and Authorization included. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly certificate: CertificateFacts | undefined
}

/** A registered client as plugins see it: frozen, and able to judge what was presented. */
export interface PluginClient {
  readonly client_id: string
  readonly client_name: string
  readonly token_endpoint_auth_method: string
  readonly grant_types: readonly string[]
  readonly scope: string
  readonly redirect_uris: readonly string[]
  readonly resources: readonly string[]
  readonly jwks: string | undefined
  /** Registered to go without certificate. */
  readonly withoutCertificate: boolean
  /** Accepted, or rejected as no_secret_presented, secret_mismatch or secret_expired. */
  judgeSecret(secret: string | undefined): Promise<Verdict>
  /** Accepted, or rejected with the first reason that applies. */
  judgeCertificate(certificate: CertificateFacts | undefined): Promise<Verdict>
}
