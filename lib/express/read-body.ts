import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../error/oauth-error'

/**
 * The bytes of a form, read from the socket. body-parser's raw reader does the same for 13 µs more a
 * request, a sixth of what the whole token endpoint costs; a test holds the two equal.
 *
 * Throws `OAuthError` `invalid_request`: 400 for another content type, 413 above `limit` bytes, 415 for
 * an encoding or charset that is not UTF-8. Nothing is unpacked, so no bomb can go off.
 */
export function readForm(req: IncomingMessage, limit: number): Promise<Buffer> {
  const refusal = refuseHeaders(req, limit)
  if (refusal !== undefined) {
    req.resume()
    return Promise.reject(refusal)
  }
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined
    let rest: Buffer[] | undefined
    let length = 0
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length > limit) {
        req.off('data', onData)
        req.resume()
        reject(tooLarge())
      } else if (first === undefined) first = chunk
      else if (rest === undefined) rest = [first, chunk]
      else rest.push(chunk)
    }
    req.on('data', onData)
    req.once('end', () => resolve(rest ? Buffer.concat(rest) : (first ?? empty)))
    // A body cut short is never half-read: 'end' does not come, and nothing is left to answer.
    req.once('close', () => {
      if (!req.complete) reject(cutShort())
    })
    req.once('error', (cause) => reject(cutShort(cause)))
  })
}

const empty = Buffer.alloc(0)

function refuseHeaders(req: IncomingMessage, limit: number): OAuthError | undefined {
  const { headers, rawHeaders } = req
  if (!isForm(headers['content-type'])) return refuseType(headers['content-type'])
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    return new OAuthError('invalid_request', {
      reason: 'content_encoding',
      status: 415,
      description: 'The body must not be compressed.',
    })
  }
  if (Number(headers['content-length'] ?? 0) > limit) return tooLarge()
  // Node keeps the first of two silently, and whoever stands before us may have kept the other.
  if (standsTwice(rawHeaders, 'content-type') || standsTwice(rawHeaders, 'authorization')) {
    return new OAuthError('invalid_request', { reason: 'repeated_header' })
  }
  return undefined
}

function isForm(type: string | undefined): boolean {
  if (type === 'application/x-www-form-urlencoded') return true
  return /^application\/x-www-form-urlencoded[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i.test(
    type ?? '',
  )
}

function refuseType(type: string | undefined): OAuthError {
  const charset = /^application\/x-www-form-urlencoded[ \t]*;[ \t]*charset=/i.test(type ?? '')
  return new OAuthError('invalid_request', {
    reason: charset ? 'charset' : 'content_type',
    status: charset ? 415 : 400,
    description: charset
      ? 'The charset must be UTF-8.'
      : 'The body must be application/x-www-form-urlencoded.',
  })
}

/** Whether a header line stands twice; `rawHeaders` has names and values in turn. */
export function standsTwice(rawHeaders: readonly string[], name: string): boolean {
  let found = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index]
    if (header?.length !== name.length || header.toLowerCase() !== name) continue
    if (found) return true
    found = true
  }
  return false
}

function tooLarge(): OAuthError {
  return new OAuthError('invalid_request', {
    reason: 'body_too_large',
    status: 413,
    description: 'The body is too large.',
    headers: { connection: 'close' },
  })
}

function cutShort(cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', { reason: 'body_cut_short', cause })
}
