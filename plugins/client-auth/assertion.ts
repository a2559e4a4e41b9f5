import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { PluginClient } from '../../lib/plugin'

/** What of a checked assertion is still needed: it must not be used again before its end (seconds). */
export interface Assertion {
  jti: string
  exp: number
}

/** Why an assertion is not believed; the audit line has it behind the plugin's name and a colon. */
export type AssertionProblem =
  | 'assertion_malformed'
  | 'assertion_type'
  | 'assertion_algorithm'
  | 'assertion_key'
  | 'assertion_signature'
  | 'assertion_subject'
  | 'assertion_audience'
  | 'assertion_expired'
  | 'assertion_not_yet_valid'
  | 'assertion_lifetime'
  | 'assertion_without_jti'

export interface AssertionRules {
  /** Milliseconds. */
  now: number
  /** The names by which this server may be meant. */
  audiences: readonly string[]
}

/** Whom an assertion names, unverified; undefined when it is none. */
export function assertionSubject(assertion: string | undefined): string | undefined {
  const sub = decode(assertion)?.claims.sub
  return typeof sub === 'string' && sub !== '' && sub.length <= maxName ? sub : undefined
}

/** RFC 7523 section 3, rule by rule. */
export function readAssertion(
  assertion: string | undefined,
  client: PluginClient,
  { now, audiences }: AssertionRules,
): Assertion | AssertionProblem {
  const decoded = decode(assertion)
  if (decoded === undefined) return 'assertion_malformed'
  const { text, header, claims } = decoded
  const signature = judgeSignature(text, header, client)
  if (signature !== undefined) return signature

  const { iss, sub, aud, exp, nbf, iat, jti } = claims
  const seconds = now / 1000
  if (iss !== client.client_id || sub !== client.client_id) return 'assertion_subject'
  if (!isMeant(aud, audiences)) return 'assertion_audience'
  if (typeof exp !== 'number' || !isTime(nbf) || !isTime(iat)) return 'assertion_malformed'
  if (exp <= seconds) return 'assertion_expired'
  if (exp > seconds + maxLifetime + skew) return 'assertion_lifetime'
  if (Math.max(nbf ?? 0, iat ?? 0) > seconds + skew) return 'assertion_not_yet_valid'
  if (typeof jti !== 'string' || jti === '' || jti.length > maxName) return 'assertion_without_jti'
  return { jti, exp }
}

/** Seconds. */
const maxLifetime = 300
const skew = 30
/** Characters: of the whole, and of a name in it. */
const maxLength = 8192
const maxName = 512

interface Decoded {
  text: string
  header: Readonly<Record<string, unknown>>
  claims: Readonly<Record<string, unknown>>
}

function decode(text: string | undefined): Decoded | undefined {
  if (text === undefined || text.length > maxLength) return undefined
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return undefined
  const [header, claims] = text.split('.').slice(0, 2).map(decodePart)
  return header === undefined || claims === undefined ? undefined : { text, header, claims }
}

function decodePart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function judgeSignature(
  text: string,
  { alg, kid, typ, crit }: Decoded['header'],
  client: PluginClient,
): AssertionProblem | undefined {
  // RFC 7515 section 4.1.11: an extension that we don't know must be understood, so we refuse.
  if (crit !== undefined) return 'assertion_malformed'
  // RFC 8725 section 3.11: no token of another kind, an access token say, passes for an assertion.
  if (typ !== undefined && !types.includes(String(typ).toLowerCase())) return 'assertion_type'
  if (!isAlgorithm(alg)) return 'assertion_algorithm'
  const keys = keysOf(client).filter((key) => fits(key, alg, kid))
  if (keys.length === 0) return 'assertion_key'
  return keys.some(({ key }) => isSignedBy(text, key, alg)) ? undefined : 'assertion_signature'
}

const types = ['jwt', 'client-authentication+jwt']

const curves = { ES256: 'P-256', ES384: 'P-384', RS256: undefined, PS256: undefined } as const
type Algorithm = keyof typeof curves

function isAlgorithm(alg: unknown): alg is Algorithm {
  return typeof alg === 'string' && Object.hasOwn(curves, alg)
}

interface ClientKey {
  jwk: JsonWebKey
  key: KeyObject
}

const known = new WeakMap<PluginClient, readonly ClientKey[]>()

/** The keys that the client registered; a changed client is another object. */
function keysOf(client: PluginClient): readonly ClientKey[] {
  let keys = known.get(client)
  if (keys === undefined) {
    const { keys: jwks = [] } = JSON.parse(client.jwks ?? '{}') as { keys?: JsonWebKey[] }
    keys = jwks.map((jwk) => ({ jwk, key: createPublicKey({ key: jwk, format: 'jwk' }) }))
    known.set(client, keys)
  }
  return keys
}

/** RFC 8725 section 3.1: the registered key says what it may be used for. */
function fits({ jwk, key }: ClientKey, alg: Algorithm, kid: unknown): boolean {
  if (kid !== undefined && jwk.kid !== kid) return false
  if ((jwk.alg ?? alg) !== alg || (jwk.use ?? 'sig') !== 'sig') return false
  const curve = curves[alg]
  if (curve !== undefined) return jwk.kty === 'EC' && jwk.crv === curve
  return jwk.kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
}

function isSignedBy(text: string, key: KeyObject, alg: Algorithm): boolean {
  // Loaded with the first assertion: few servers take one.
  const { verify } = require('jsonwebtoken') as typeof import('jsonwebtoken')
  try {
    verify(text, key, { algorithms: [alg], ignoreExpiration: true, ignoreNotBefore: true })
    return true
  } catch {
    return false
  }
}

/** For this server and for nobody else beside it: what another may receive, it may replay. */
function isMeant(aud: unknown, audiences: readonly string[]): boolean {
  const [name, ...more] = [aud].flat()
  return more.length === 0 && typeof name === 'string' && audiences.includes(name)
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number'
}
