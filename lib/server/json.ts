import { isUtf8 } from 'node:buffer'
import { OAuthError } from '../error/oauth-error'

/** More than any metadata of ours is nested. */
const maxDepth = 8

/**
 * A JSON object (RFC 8259), read strictly: UTF-8 only, nothing nested without end, and no `__proto__`,
 * which is a member like any other to the parser and another object's parent to careless code.
 * Throws `OAuthError` `invalid_request`, never repeating what was sent.
 */
export function parseJsonObject(body: Buffer): Readonly<Record<string, unknown>> {
  if (!isUtf8(body)) throw malformed()
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    // The parser's own sentence repeats what stood there.
    throw malformed()
  }
  if (!isObject(value) || !isHarmless(value, maxDepth)) throw malformed()
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isHarmless(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0 || Object.hasOwn(value, '__proto__')) return false
  return Object.values(value).every((member) => isHarmless(member, depth - 1))
}

function malformed(): OAuthError {
  return new OAuthError('invalid_request', {
    reason: 'malformed_parameter',
    description: 'The body must be a JSON object.',
  })
}
