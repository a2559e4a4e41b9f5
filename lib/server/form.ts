import { isUtf8 } from 'node:buffer'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'

/**
 * `application/x-www-form-urlencoded`, read strictly (RFC 6749 appendix B): UTF-8 only, each name once
 * (section 3.2), no NUL. Bare CR and LF bytes are dropped first: no conforming encoder sends them, and
 * the page's own curl command has one inside its quoted data. `%0A` stays what it is.
 */
export type Parameters = Readonly<Record<string, string>>

/** More than any request of ours has. */
const maxParameters = 20

/** Throws `OAuthError` `invalid_request`, never repeating what was sent. */
export function parseForm(body: Buffer): Parameters {
  if (!isUtf8(body)) throw malformed('malformed_parameter')
  const text = body.toString().replace(/[\r\n]/g, '')
  // No prototype: a field named `__proto__` or `toString` is a field like any other.
  const parameters: Record<string, string> = Object.create(null)
  const seen = new Set<string>()
  for (let start = 0; start < text.length; ) {
    const ampersand = text.indexOf('&', start)
    const end = ampersand === -1 ? text.length : ampersand
    if (end > start) {
      if (seen.size === maxParameters) throw malformed('too_many_parameters')
      const equals = text.indexOf('=', start)
      const split = equals === -1 || equals > end ? end : equals
      const name = decode(text.slice(start, split))
      if (seen.has(name)) throw malformed('repeated_parameter')
      seen.add(name)
      // RFC 6749 section 3.2: a parameter without a value is treated as if it were omitted.
      const value = decode(text.slice(split + 1, end))
      if (value !== '') parameters[name] = value
    }
    start = end + 1
  }
  return parameters
}

/** A parameter that must be there. Throws `OAuthError` `invalid_request`, naming it. */
export function required(parameters: Parameters, name: string): string {
  const value = parameters[name]
  if (value !== undefined) return value
  throw new OAuthError('invalid_request', {
    reason: 'missing_parameter',
    description: `The parameter ${name} is missing.`,
  })
}

/** A URI with more parameters; what it has of its own stays as it is written (RFC 6749 section 3.1.2). */
export function withQuery(uri: string, parameters: Parameters): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`
}

/** One name or value: `+` is a space, `%XX` a byte of UTF-8. */
export function decode(text: string): string {
  let decoded = text
  if (/[%+]/.test(text)) {
    try {
      decoded = decodeURIComponent(text.replaceAll('+', ' '))
    } catch {
      throw malformed('malformed_parameter')
    }
  }
  // U+FFFD is what is left of bytes that were no text.
  if (/[\0\uFFFD]/.test(decoded)) throw malformed('malformed_parameter')
  return decoded
}

function malformed(reason: RefusalReason): OAuthError {
  return new OAuthError('invalid_request', { reason })
}
