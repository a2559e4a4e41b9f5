import { isIP } from 'node:net'
import { OAuthError } from '../error/oauth-error'
import { SetupError } from '../error/setup-error'
import { openRanges } from './address-ranges'
import { readCertificate } from './certificate'
import { normaliseIp } from './ip'
import { makePresented, type Presented, presentedByTls } from './presented'
import { type ProxyFormat, type ProxyFormatName, proxyFormats } from './proxy-format'
import {
  addressOf,
  type CertificateSource,
  type SourceReading,
  type SourceRequest,
  type SourceSocket,
} from './source'
import { parseThumbprint, thumbprintOf } from './thumbprint'

/** `[proxy]` of `deployment.toml`, in its own spelling. */
export interface ProxySettings {
  /** Address ranges of the proxies: the TCP peer must lie in one, whatever X-Forwarded-For says. */
  trusted: readonly string[]
  /** In any case; the format's own unless given. */
  header?: string | undefined
  /** `rfc9440` unless given. */
  format?: ProxyFormatName | undefined
  /** The header in which the proxy says that it verified the certificate; `none` must be written out. */
  verified_header: string | undefined
  verified_value?: string | undefined
  /** The header with the peer's address, one IP address. */
  address_header?: string | undefined
  /** The proxy must show one of these itself, `x5t#S256` or SHA-256 in hex. */
  peer_certificate_sha256?: readonly string[] | undefined
}

/** The same by code: what the proxy says of its verification is one fact, and can't be left out. */
export interface ProxyHeaderOptions
  extends Omit<ProxySettings, 'verified_header' | 'verified_value'> {
  /** The header and its value for a verified certificate; the format's own value unless given. */
  verified: { header: string; value?: string } | 'none'
}

/**
 * Certificates that a trusted proxy puts into a header. The proxy vouches for one thing alone, that
 * the client holds the key; whether the certificate is any good is judged here as if it had come over
 * TLS. Anybody else's header is ignored, and the proxy's own certificate is never a client's.
 * Throws `SetupError` when the options leave anything open.
 *
 * @example
 * const certificate = fromProxyHeader({ trusted: ['10.0.0.0/8'], header: 'client-cert',
 *   format: 'rfc9440', verified: { header: 'x-client-verify', value: 'SUCCESS' } })
 */
export function fromProxyHeader({ verified, ...rest }: ProxyHeaderOptions): CertificateSource {
  const { header, value } = verified === 'none' ? { header: 'none' } : (verified ?? {})
  return proxySource({ ...rest, verified_header: header, verified_value: value })
}

/** The source that `[proxy]` describes. Throws `SetupError` with the path of the key. */
export function proxySource(settings: ProxySettings): CertificateSource {
  const names = checkSettings(settings)
  const isProxy = openProxies(settings)
  const watched = [names.header, names.verified_header, names.address_header]
  return Object.freeze({
    read(request: SourceRequest): SourceReading {
      const value = headerOf(request, names.header)
      if (!isProxy(request.socket)) {
        const unread = value === undefined ? undefined : 'untrusted_proxy_header'
        return { presented: undefined, unread, address: addressOf(request.socket) }
      }
      refuseRepeated(request.rawHeaders, watched)
      const says = names.verified_header !== undefined
      const refused = says && headerOf(request, names.verified_header) !== names.verified_value
      return {
        presented: refused ? undefined : readCertificateHeader(value, names.format, says),
        unread: undefined,
        address: readAddress(request, names.address_header),
      }
    },
  })
}

interface Names {
  readonly format: ProxyFormat
  readonly header: string
  readonly verified_header: string | undefined
  readonly verified_value: string | undefined
  readonly address_header: string | undefined
}

function checkSettings(settings: ProxySettings): Names {
  refuseUnknown(settings)
  const { trusted, format = 'rfc9440', verified_header, address_header } = settings
  const known = Object.hasOwn(proxyFormats, format) ? proxyFormats[format] : undefined
  if (known === undefined) {
    throw new SetupError(
      `The proxy’s format "${format}" is unknown.`,
      `Known are ${Object.keys(proxyFormats).join(', ')}.`,
      { key: ['proxy', 'format'] },
    )
  }
  if (!Array.isArray(trusted) || trusted.length === 0) {
    throw new SetupError(
      'The proxy’s addresses are missing.',
      'List them: trusted = ["10.0.0.0/8"].',
      { key: ['proxy', 'trusted'] },
    )
  }
  if (verified_header === undefined) {
    throw new SetupError(
      'It is not said how the proxy tells that it verified a certificate.',
      'Name its header, verified_header = "x-client-verify", or write out verified_header = "none".',
      { key: ['proxy', 'verified_header'] },
    )
  }
  const isNone = verified_header === 'none'
  const verified_value = settings.verified_value ?? known.verified_value
  if (!isNone && verified_value === undefined) {
    throw new SetupError(
      'It is not said which value the proxy’s header has for a verified certificate.',
      'Give verified_value.',
      { key: ['proxy', 'verified_value'] },
    )
  }
  return {
    format: known,
    header: headerName(settings.header ?? known.header, 'header'),
    verified_header: isNone ? undefined : headerName(verified_header, 'verified_header'),
    verified_value,
    address_header: address_header && headerName(address_header, 'address_header'),
  }
}

function openProxies({ trusted, peer_certificate_sha256 = [] }: ProxySettings) {
  const isInRange = openRanges(trusted)
  const pins = new Set(peer_certificate_sha256.map(readPin))
  if (pins.size === 0 && trusted.some((range) => /\/0+$/.test(range))) {
    throw new SetupError(
      'Every address is trusted as a proxy, so that anybody could write the header.',
      'List the proxies’ own addresses, or their certificates in peer_certificate_sha256.',
      { key: ['proxy', 'trusted'] },
    )
  }
  return (socket: SourceSocket): boolean => {
    if (!isInRange(socket.remoteAddress)) return false
    if (pins.size === 0) return true
    const shown = presentedByTls(socket)
    return shown !== undefined && pins.has(shown.thumbprint)
  }
}

function readPin(text: string): string {
  const thumbprint = parseThumbprint(text)
  if (thumbprint !== undefined) return thumbprint
  throw new SetupError(
    'A value of peer_certificate_sha256 is not a SHA-256 thumbprint.',
    'Write the 64 hex digits that `cert show` prints, or the x5t#S256.',
    { key: ['proxy', 'peer_certificate_sha256'] },
  )
}

function headerName(name: string, key: string): string {
  if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) return name.toLowerCase()
  throw new SetupError(`"${name}" is not the name of a header.`, 'Write it like client-cert.', {
    key: ['proxy', key],
  })
}

function headerOf({ headers }: SourceRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** Node joins repeated lines, or keeps one of them: which of two certificates counts is nobody's guess. */
function refuseRepeated(
  rawHeaders: readonly string[],
  names: readonly (string | undefined)[],
): void {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!names.includes(name)) continue
    if (seen.has(name)) throw new OAuthError('invalid_request', { reason: 'repeated_header' })
    seen.add(name)
  }
}

/** Whatever is not one well-formed certificate is none. */
function readCertificateHeader(
  value: string | undefined,
  format: ProxyFormat,
  verified: boolean,
): Presented | undefined {
  const der = value === undefined ? undefined : format.read(value.trim())
  if (der === undefined) return undefined
  try {
    readCertificate(der, thumbprintOf(der))
    return makePresented(der, 'proxy', () => [], verified)
  } catch {
    return undefined
  }
}

function readAddress(request: SourceRequest, name: string | undefined): string | undefined {
  const value = name === undefined ? undefined : headerOf(request, name)?.trim()
  return value !== undefined && isIP(value) !== 0 ? normaliseIp(value) : undefined
}

const knownKeys: ReadonlySet<string> = new Set<keyof ProxySettings>([
  'trusted',
  'header',
  'format',
  'verified_header',
  'verified_value',
  'address_header',
  'peer_certificate_sha256',
])

/** A misspelt option of a security boundary must not quietly mean its default. */
function refuseUnknown(settings: ProxySettings): void {
  const unknown = Object.keys(settings).find((key) => !knownKeys.has(key))
  if (unknown === undefined) return
  throw new SetupError(
    `"${unknown}" is not an option of the proxy.`,
    `Known are ${[...knownKeys].join(', ')}.`,
    { key: ['proxy', unknown] },
  )
}
