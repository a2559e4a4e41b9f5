import { readPem } from './parse'

/** How a proxy writes the client's certificate into a header: the table of what differs. */
export interface ProxyFormat {
  /** Header names in lower case, and the value that says "verified"; undefined: the proxy says nothing. */
  readonly header: string
  readonly verified_value: string | undefined
  /** The DER of the one certificate; undefined when the value is anything else, a list included. */
  read(value: string): Buffer | undefined
}

export type ProxyFormatName =
  | 'rfc9440'
  | 'nginx'
  | 'haproxy'
  | 'envoy'
  | 'traefik'
  | 'aws-alb'
  | 'cloudflare'

export const proxyFormats: Readonly<Record<ProxyFormatName, ProxyFormat>> = {
  /** RFC 9440 section 2.1: a Structured Field byte sequence. */
  rfc9440: {
    header: 'client-cert',
    verified_value: 'SUCCESS',
    read: (value) => base64(/^:([^:]*):$/.exec(value)?.[1]),
  },
  /** `$ssl_client_escaped_cert` and `$ssl_client_verify`. */
  nginx: { header: 'client-cert', verified_value: 'SUCCESS', read: escapedPem },
  /** `%[ssl_c_der,base64]` and `%[ssl_c_verify]`, which is OpenSSL's error number. */
  haproxy: { header: 'client-cert', verified_value: '0', read: base64 },
  /** `Cert` of the one element of X-Forwarded-Client-Cert. */
  envoy: {
    header: 'x-forwarded-client-cert',
    verified_value: undefined,
    read: (value) => escapedPem(readXfcc(value)),
  },
  /** PEM without its first, last and ends of lines; older versions escape it for URLs. */
  traefik: {
    header: 'x-forwarded-tls-client-cert',
    verified_value: undefined,
    read: (value) => base64(unescapeUrl(value)),
  },
  /** Escaped for URLs but for `+`, `=` and `/`. */
  'aws-alb': {
    header: 'x-amzn-mtls-clientcert-leaf',
    verified_value: undefined,
    read: escapedPem,
  },
  cloudflare: { header: 'cf-client-cert-der-base64', verified_value: 'true', read: base64 },
}

function escapedPem(value: string | undefined): Buffer | undefined {
  const pem = unescapeUrl(value)
  if (pem === undefined) return undefined
  try {
    const [der, ...others] = readPem(pem, 'the header')
    return others.length === 0 ? der : undefined
  } catch {
    return undefined
  }
}

function base64(value: string | undefined): Buffer | undefined {
  if (value === undefined || value === '') return undefined
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? bytes : undefined
}

function unescapeUrl(value: string | undefined): string | undefined {
  try {
    return value === undefined ? undefined : decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/**
 * `Cert` of an XFCC value: `By=…;Hash=…;Cert="…";Subject="CN=a,O=\"b\""`. A comma outside quotes
 * begins the element of another proxy, which makes it a list; a key that is there twice is no answer.
 */
function readXfcc(value: string): string | undefined {
  const pairs: string[][] = []
  for (let rest = value; ; rest = rest.slice(1)) {
    const found = xfccPair.exec(rest)
    if (found === null) return undefined
    const [whole, key = '', quoted, plain = ''] = found
    pairs.push([key.toLowerCase(), quoted ?? plain])
    rest = rest.slice(whole.length)
    if (rest === '') break
    if (rest[0] !== ';') return undefined
  }
  const [cert, ...others] = pairs.filter(([key]) => key === 'cert')
  return others.length === 0 ? cert?.[1] : undefined
}

const xfccPair = /^([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))/
