/**
 * Which URIs may be registered. Redirect URIs are compared as exact strings later (RFC 9700 section
 * 2.1), so one that a parser would rewrite is refused here: it could never be told from its twin.
 */
const printable = /^[\x21-\x7e]{1,2000}$/

/** RFC 8252 section 7.3: plain http is for a program on the user's own machine alone. */
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** What is wrong with a redirect URI, or undefined. */
export function redirectUriProblem(uri: string): string | undefined {
  const url = parse(uri)
  if (url === undefined) return 'is not an absolute URI'
  if (uri.includes('#')) return 'must not have a fragment'
  if (url.username !== '' || url.password !== '') return 'must not name a user'
  if (uri.includes('*')) return 'must not have a wildcard'
  // Such a name is nobody's, and would stand in the policy of our pages.
  if (/[^a-z0-9._:[\]-]/.test(url.host)) return 'has a host that is no name'
  if (!isPlain(uri, url))
    return 'is not in its plain form (dot segments, encoded controls, upper case)'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:') {
    return loopback.test(url.hostname) ? undefined : 'must be https unless it is on a loopback host'
  }
  // RFC 8252 section 7.1: a private-use scheme is a domain name turned round, so it has a dot.
  return url.protocol.includes('.') ? undefined : 'must be https, or a private scheme with a dot'
}

/** What is wrong with a resource (RFC 8707 section 2: absolute, no fragment), or undefined. */
export function resourceProblem(uri: string): string | undefined {
  if (parse(uri) === undefined) return 'is not an absolute URI'
  if (uri.includes('#')) return 'must not have a fragment'
  return undefined
}

function parse(uri: string): URL | undefined {
  return printable.test(uri) && URL.canParse(uri) ? new URL(uri) : undefined
}

function isPlain(uri: string, url: URL): boolean {
  if (uri !== url.href && `${uri}/` !== url.href) return false
  if (uri.includes('\\')) return false
  const decoded = decode(uri)
  return decoded !== undefined && !/\.\.|[\p{Cc}\p{Surrogate}]/u.test(decoded)
}

function decode(uri: string): string | undefined {
  try {
    return decodeURIComponent(uri)
  } catch {
    return undefined
  }
}
