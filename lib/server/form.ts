import { isAscii, isUtf8 } from 'node:buffer'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'

/**
 * `application/x-www-form-urlencoded`, read strictly (RFC 6749 appendix B): UTF-8 only, each name once
 * (section 3.2), no NUL. Bare CR and LF bytes are dropped first: no conforming encoder sends them, and
 * the page's own curl command has one inside its quoted data. `%0A` stays what it is.
 */
export type Parameters = Readonly<Record<string, string>>

/** A form, read. The client secret is put apart at the door: who is handed the parameters has it not. */
export interface Form {
  readonly parameters: Parameters
  readonly client_secret: string | undefined
}

/** More than any request of ours has. */
const maxParameters = 20

/** Throws `OAuthError` `invalid_request`, never repeating what was sent. */
export function parseForm(body: Buffer): Form {
  const text = withoutLineBreaks(textOf(body))
  if (isNoText(text)) throw malformed('malformed_parameter')
  const parameters = bareRecord()
  let client_secret: string | undefined
  let empty: string[] | undefined
  let count = 0
  for (let start = 0; start < text.length; ) {
    const ampersand = text.indexOf('&', start)
    const end = ampersand === -1 ? text.length : ampersand
    if (end > start) {
      count += 1
      if (count > maxParameters) throw malformed('too_many_parameters')
      const equals = text.indexOf('=', start)
      const split = equals === -1 || equals > end ? end : equals
      const name = decode(text.slice(start, split))
      const again = name === 'client_secret' ? client_secret !== undefined : name in parameters
      if (again || empty?.includes(name)) throw malformed('repeated_parameter')
      // RFC 6749 section 3.2: a parameter without a value is treated as if it were omitted.
      const value = decode(text.slice(split + 1, end))
      if (value === '') empty = [...(empty ?? []), name]
      else if (name === 'client_secret') client_secret = value
      else parameters[name] = value
    }
    start = end + 1
  }
  return { parameters, client_secret }
}

/** No prototype: a field named `__proto__` or `toString` is a field like any other. */
function bareRecord(): Record<string, string> {
  return new BareRecord()
}

// Made by a constructor, V8 gives all of them one shape; by Object.create(null) each is a hash table.
const BareRecord = function BareRecord() {} as unknown as new () => Record<string, string>
BareRecord.prototype = Object.create(null)

/** What conforming encoders send is ASCII, which is read in half the time. */
function textOf(body: Buffer): string {
  if (isAscii(body)) return body.toString('latin1')
  if (isUtf8(body)) return body.toString()
  throw malformed('malformed_parameter')
}

function withoutLineBreaks(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text
}

/** U+FFFD is what is left of bytes that were no text. */
function isNoText(text: string): boolean {
  return text.includes('\0') || text.includes('\uFFFD')
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
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  const decoded = decodePercent(spaced)
  if (isNoText(decoded)) throw malformed('malformed_parameter')
  return decoded
}

function decodePercent(text: string): string {
  return decodeAscii(text) ?? decodeUtf8(text)
}

/** Most of what is escaped is ASCII, which is four times as fast by hand; undefined: there is more. */
function decodeAscii(text: string): string | undefined {
  let decoded = ''
  let start = 0
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', start)) {
    const byte = hexDigit(text.charCodeAt(at + 1)) * 16 + hexDigit(text.charCodeAt(at + 2))
    // Not a number for a malformed escape, too.
    if (!(byte < 0x80)) return undefined
    decoded += text.slice(start, at) + String.fromCharCode(byte)
    start = at + 3
  }
  return decoded + text.slice(start)
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : Number.NaN
}

function decodeUtf8(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw malformed('malformed_parameter')
  }
}

function malformed(reason: RefusalReason): OAuthError {
  return new OAuthError('invalid_request', { reason })
}
