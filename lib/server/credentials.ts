import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import { decode, type Form } from './form'

/**
 * Where a client_id and client_secret may stand: the form body, the Basic header (RFC 6749 section
 * 2.3.1), and in the query, one of them or both, only for a method that says so. Neither ever stands in
 * two places at once, even when they are equal (section 2.3).
 */
export interface Credentials {
  client_id: string | undefined
  client_secret: string | undefined
  from: 'body' | 'basic' | 'query'
}

/** `query` is the URL's raw query string. Throws `OAuthError` `invalid_request`. */
export function readCredentials(
  { parameters, client_secret }: Form,
  authorization: string | undefined,
  query: string | undefined,
): Credentials {
  const { client_id } = parameters
  const inQuery = query === undefined ? undefined : queryCredentials(query)
  if (inQuery !== undefined) {
    const twice =
      (client_id !== undefined && inQuery.client_id !== undefined) ||
      (client_secret !== undefined && inQuery.client_secret !== undefined)
    if (twice || authorization !== undefined) throw refused('two_transports')
    return checked({
      client_id: inQuery.client_id ?? client_id,
      client_secret: inQuery.client_secret ?? client_secret,
      from: 'query',
    })
  }
  if (authorization === undefined) return checked({ client_id, client_secret, from: 'body' })
  if (client_secret !== undefined) throw refused('two_transports')
  const basic = readBasic(authorization)
  // Beside Basic a client_id in the body is no second method as long as it names the same client.
  if (client_id !== undefined && basic?.client_id !== undefined && basic.client_id !== client_id) {
    throw refused('two_client_ids')
  }
  return checked({
    client_id: basic?.client_id,
    client_secret: basic?.client_secret,
    from: 'basic',
  })
}

/** Undefined when it is not a well-formed Basic header: then nobody was named. */
function readBasic(
  header: string,
): { client_id: string; client_secret: string | undefined } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon <= 0) return undefined
  try {
    // Everything after the first colon is the secret; both halves are form-encoded.
    const client_secret = decode(text.slice(colon + 1))
    return { client_id: decode(text.slice(0, colon)), client_secret: client_secret || undefined }
  } catch {
    return undefined
  }
}

/** The credentials of a query, if it has any; its other parameters are nobody's business here. */
function queryCredentials(query: string): Omit<Credentials, 'from'> | undefined {
  let found: Record<string, string> | undefined
  for (const part of query.split('&')) {
    const equals = part.indexOf('=')
    const name = decode(equals === -1 ? part : part.slice(0, equals))
    if (name !== 'client_id' && name !== 'client_secret') continue
    if (found !== undefined && name in found) throw refused('repeated_parameter')
    found ??= {}
    found[name] = equals === -1 ? '' : decode(part.slice(equals + 1))
  }
  if (found === undefined) return undefined
  return {
    client_id: found.client_id || undefined,
    client_secret: found.client_secret || undefined,
  }
}

/** Longest client_id, client_secret, username and password, in bytes; longer ones are never hashed. */
export const maxCredential = 512

export function tooLong(value: string | undefined): boolean {
  return (
    value !== undefined &&
    value.length * 3 > maxCredential &&
    Buffer.byteLength(value) > maxCredential
  )
}

function checked(credentials: Credentials): Credentials {
  const { client_id, client_secret } = credentials
  if (tooLong(client_id) || tooLong(client_secret)) throw refused('parameter_too_long')
  // RFC 6749 appendix A.1: visible ASCII and space; anything else names no client of ours.
  if (client_id !== undefined && !/^[\x20-\x7E]+$/.test(client_id)) {
    throw refused('malformed_parameter')
  }
  return credentials
}

function refused(reason: RefusalReason): OAuthError {
  return new OAuthError('invalid_request', { reason })
}
