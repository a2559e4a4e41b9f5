import type { JwtPayload } from 'jsonwebtoken'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import type { SigningKey } from './key-files'

/** What a signature is checked with: nothing of it is private. */
export type VerificationKey = Pick<SigningKey, 'kid' | 'alg' | 'publicKey'>

export interface VerificationKeys {
  find(kid: string): Promise<VerificationKey | undefined>
}

/** Seconds by which the clock of whoever issued a token may be ahead of ours. A token's end has none. */
const skew = 30
/** The same between machines that share keys: more means that a clock was wrong when it was issued. */
const issuerSkew = 60

/** Longer than any token of ours; a longer one is refused unread. */
const longest = 8192

export interface Expected {
  typ: RegExp
  keys: VerificationKeys
  /** Milliseconds since 1970. */
  now: number
  mayHaveEnded?: boolean
  /** 8192 unless given. */
  maxLength?: number
}

/**
 * The claims of a JWT of one type, signed by one of the keys. Every JWT that is ours and comes back to
 * us passes here: `typ` first, so that no kind of token gets anywhere as another (RFC 8725 section 3.11).
 *
 * Throws `OAuthError` `invalid_token`. What the claims mean is judged by others, but for `exp`, which
 * must be there and in the future unless `mayHaveEnded`.
 */
export async function verifyJwt(token: string, expected: Expected): Promise<JwtPayload> {
  const { kid, alg, typ } = readHeader(token, expected.maxLength ?? longest)
  if (!expected.typ.test(typ)) throw invalidToken('token_type')
  const key = await expected.keys.find(kid)
  // RFC 8725 section 3.1: the key says which algorithm it is for, never the token.
  if (key === undefined || key.alg !== alg) throw invalidToken('token_signature')
  const claims = verifySignature(token, key)
  checkTimes(claims, expected)
  return claims
}

export function invalidToken(reason: RefusalReason, cause?: unknown): OAuthError {
  return new OAuthError('invalid_token', { reason, cause })
}

function readHeader(token: string, maxLength: number): { kid: string; alg: string; typ: string } {
  if (token.length > maxLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
    throw invalidToken('token_malformed')
  }
  try {
    const header: unknown = JSON.parse(
      Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString(),
    )
    const { kid, alg, typ, crit } = header as Record<string, unknown>
    // RFC 7515 section 4.1.11: an extension that we don't know must be understood, so we refuse.
    if (crit === undefined && typeof kid === 'string' && typeof alg === 'string') {
      return { kid, alg, typ: typeof typ === 'string' ? typ : '' }
    }
  } catch (cause) {
    throw invalidToken('token_malformed', cause)
  }
  throw invalidToken('token_malformed')
}

function verifySignature(token: string, key: VerificationKey): JwtPayload {
  // Seventy modules, which a server that only issues tokens never needs.
  const { verify } = require('jsonwebtoken') as typeof import('jsonwebtoken')
  try {
    const claims = verify(token, key.publicKey, {
      algorithms: [key.alg],
      ignoreExpiration: true,
      ignoreNotBefore: true,
    })
    if (typeof claims === 'object') return claims
  } catch (cause) {
    throw invalidToken('token_signature', cause)
  }
  throw invalidToken('token_malformed')
}

/**
 * RFC 7519 sections 4.1.4 to 4.1.6, but `exp` must be there: a token without end is none of ours. One
 * that was issued in the future would be good for longer than a token lives.
 */
function checkTimes(
  { exp, nbf, iat }: { exp?: unknown; nbf?: unknown; iat?: unknown },
  { now, mayHaveEnded = false }: { now: number; mayHaveEnded?: boolean },
): void {
  const seconds = now / 1000
  if (typeof exp !== 'number' || !['number', 'undefined'].includes(typeof nbf)) {
    throw invalidToken('token_malformed')
  }
  if (exp <= seconds && !mayHaveEnded) throw invalidToken('token_expired')
  if (typeof nbf === 'number' && nbf > seconds + skew) throw invalidToken('token_not_yet_valid')
  if (typeof iat === 'number' && iat > seconds + issuerSkew) {
    throw invalidToken('token_not_yet_valid')
  }
}
