import { constructed, type Der, fieldsOf, readCount, readDer, readOid } from './der'

/** How a signature was made, in the words of `node:crypto`. */
export interface SignatureAlgorithm {
  /** undefined for Ed25519 and Ed448, which bring their own. */
  readonly digest: string | undefined
  /** The hash that the signature's strength rests on. */
  readonly hash: string
  /** Salt length of RSASSA-PSS; undefined for every other. */
  readonly pssSalt: number | undefined
}

/** Reads an AlgorithmIdentifier; undefined for an algorithm that is not believed here at all. */
export function readAlgorithm(identifier: Der): SignatureAlgorithm | undefined {
  const fields = fieldsOf(identifier)
  const id = readOid(fields.next())
  if (id === rsaPss) return readPss(fields.next())
  const hash = hashOf.get(id)
  if (hash === undefined) return undefined
  return { digest: hash.startsWith('ed') ? undefined : hash, hash, pssSalt: undefined }
}

/** The signature hashes that count as strong (RFC 9155 and NIST SP 800-57: no SHA-1, no MD5). */
export const strongHashes: ReadonlySet<string> = new Set([
  'sha256',
  'sha384',
  'sha512',
  'ed25519',
  'ed448',
])

const rsaPss = '1.2.840.113549.1.1.10'
const mgf1 = '1.2.840.113549.1.1.8'

const hashOf = new Map([
  ['1.2.840.113549.1.1.4', 'md5'],
  ['1.2.840.113549.1.1.5', 'sha1'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.1', 'sha1'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', 'ed25519'],
  ['1.3.101.113', 'ed448'],
])

const digestOf = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

/** RFC 4055 section 3.1. MGF1 must use the same hash: nothing else is seen in practice. */
function readPss(parameters: Der): SignatureAlgorithm | undefined {
  const fields = fieldsOf(parameters)
  const hashField = fields.optional(constructed(0))
  const maskField = fields.optional(constructed(1))
  const saltField = fields.optional(constructed(2))
  const trailerField = fields.optional(constructed(3))
  fields.end()
  const hash = hashField === undefined ? 'sha1' : readDigest(readDer(hashField.content))
  const mask = maskField === undefined ? 'sha1' : readMask(readDer(maskField.content))
  const trailer = trailerField === undefined ? 1 : readCount(readDer(trailerField.content))
  if (hash === undefined || mask !== hash || trailer !== 1) return undefined
  const pssSalt = saltField === undefined ? 20 : readCount(readDer(saltField.content))
  return { digest: hash, hash, pssSalt }
}

function readMask(identifier: Der): string | undefined {
  const fields = fieldsOf(identifier)
  return readOid(fields.next()) === mgf1 ? readDigest(fields.next()) : undefined
}

function readDigest(identifier: Der): string | undefined {
  return digestOf.get(readOid(fieldsOf(identifier).next()))
}
