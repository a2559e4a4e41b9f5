import { createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto'
import { invalidMetadata } from './invalid'

/** A JWK Set as a client registers it (RFC 7517 section 5). */
export interface ClientKeys {
  keys: readonly JsonWebKey[]
}

/** What a client's JWK Set brings: its public keys, and the certificates that came in `x5c`. */
export interface ReadKeys {
  /** The set as JSON text, without certificates. */
  jwks: string
  /** DER of the first certificate of each `x5c` (RFC 8705 section 2.2.2). */
  certificates: Buffer[]
}

/** Private members of RFC 7518 section 6: what must never be sent to a server. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Throws `invalid_client_metadata` unless every key is a public RSA or EC key. */
export function readKeys({ keys }: ClientKeys): ReadKeys {
  return {
    jwks: JSON.stringify({ keys: keys.map(publicKey) }),
    certificates: keys.flatMap(certificateOf),
  }
}

function publicKey(key: JsonWebKey, index: number): JsonWebKey {
  if (privateMembers.some((member) => Object.hasOwn(key, member))) {
    throw invalidMetadata(`jwks.keys[${index}] holds a private key. Register the public key alone.`)
  }
  if (imported(key) === undefined) {
    throw invalidMetadata(`jwks.keys[${index}] is not a public RSA or EC key.`)
  }
  return Object.fromEntries(Object.entries(key).filter(([member]) => !member.startsWith('x5')))
}

function imported(key: JsonWebKey): KeyObject | undefined {
  try {
    const read = createPublicKey({ key, format: 'jwk' })
    return ['rsa', 'ec'].includes(read.asymmetricKeyType ?? '') ? read : undefined
  } catch {
    return undefined
  }
}

function certificateOf(key: JsonWebKey, index: number): Buffer[] {
  if (key.x5c === undefined) return []
  const leaf: unknown = Array.isArray(key.x5c) ? key.x5c[0] : undefined
  const der = typeof leaf === 'string' ? Buffer.from(leaf, 'base64') : Buffer.alloc(0)
  if (isOfKey(der, key)) return [der]
  throw invalidMetadata(`jwks.keys[${index}].x5c does not begin with a certificate of its key.`)
}

/** RFC 7517 section 4.7: the first certificate must be of the key beside it. */
function isOfKey(der: Buffer, key: JsonWebKey): boolean {
  try {
    return new X509Certificate(der).publicKey.equals(createPublicKey({ key, format: 'jwk' }))
  } catch {
    return false
  }
}
