import { type Der, fieldsOf, readBytes, readDer, readInteger, readOid, tags } from './der'

/** The public key of a certificate, as far as its strength is concerned. */
export interface PublicKey {
  readonly type: 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448' | 'unknown'
  /** RSA: bits of the modulus. */
  readonly bits: number | undefined
  /** EC: `P-256`, `P-384`, `P-521`, or the object identifier of another curve. */
  readonly curve: string | undefined
  /** SubjectPublicKeyInfo. */
  readonly spki: Buffer
  /** The key itself, which OCSP and key identifiers hash. */
  readonly keyBytes: Buffer
}

export function readPublicKey(info: Der): PublicKey {
  const fields = fieldsOf(info)
  const algorithm = fieldsOf(fields.next())
  const keyBytes = readBytes(fields.next())
  fields.end()
  const type = typeOf.get(readOid(algorithm.next())) ?? 'unknown'
  const isRsa = type === 'rsa' || type === 'rsa-pss'
  const curve = type === 'ec' ? algorithm.optional(tags.oid) : undefined
  return {
    type,
    bits: isRsa ? modulusBits(keyBytes) : undefined,
    curve: curve && curveName(readOid(curve)),
    spki: info.whole,
    keyBytes,
  }
}

/** RSA from 2,048 bits on (and not so long that checking it is an attack), or a curve of NIST's or Edwards'. */
export function isStrong(key: PublicKey): boolean {
  if (key.bits !== undefined) return key.bits >= 2048 && key.bits <= 8192
  if (key.type === 'ec') return strongCurves.has(key.curve ?? '')
  return key.type === 'ed25519' || key.type === 'ed448'
}

const typeOf = new Map<string, PublicKey['type']>([
  ['1.2.840.113549.1.1.1', 'rsa'],
  ['1.2.840.113549.1.1.10', 'rsa-pss'],
  ['1.2.840.10045.2.1', 'ec'],
  ['1.3.101.112', 'ed25519'],
  ['1.3.101.113', 'ed448'],
])

const curves = new Map([
  ['1.2.840.10045.3.1.7', 'P-256'],
  ['1.3.132.0.34', 'P-384'],
  ['1.3.132.0.35', 'P-521'],
])
const strongCurves: ReadonlySet<string> = new Set(curves.values())

function curveName(id: string): string {
  return curves.get(id) ?? id
}

function modulusBits(keyBytes: Buffer): number {
  const modulus = readInteger(fieldsOf(readDer(keyBytes)).next())
  const digits = modulus[0] === 0 ? modulus.subarray(1) : modulus
  return digits.length === 0 ? 0 : digits.length * 8 - Math.clz32(digits.readUInt8(0)) + 24
}
