import type { Certificate } from './certificate'
import {
  childrenOf,
  constructed,
  type Der,
  DerError,
  fieldsOf,
  readBoolean,
  readDer,
  readInteger,
  readOid,
  readTime,
  tags,
} from './der'
import { canonicalName, formatName, readName } from './name'
import { isSignatureOf, readSigned, type Signed } from './signature'

/** A certificate revocation list (RFC 5280 section 5). */
export interface Crl {
  /** RFC 4514 string, for people. */
  readonly issuer: string
  readonly issuerCanonical: string
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  /** From then on nothing may rely on it. */
  readonly nextUpdate: number
  /** Serial numbers in hex, as `Certificate.serial`. */
  readonly revoked: ReadonlySet<string>
  readonly signed: Signed
}

/**
 * Reads a complete CRL of one CA. A delta CRL, an indirect one, one for a part of the certificates
 * and one without an end are refused: read as complete ones they would let revoked certificates in.
 * Throws `DerError`.
 */
export function readCrl(der: Buffer): Crl {
  const { content, ...signed } = readSigned(readDer(der, tags.sequence))
  const fields = fieldsOf(content)
  fields.optional(tags.integer)
  if (!fields.next(tags.sequence).whole.equals(signed.algorithm.whole)) {
    throw new DerError('two algorithms')
  }
  const issuer = readName(fields.next(tags.sequence))
  const thisUpdate = readTime(fields.next())
  const next = fields.optional(tags.utcTime, tags.generalizedTime)
  if (next === undefined) throw new DerError('a CRL without an end')
  const entries = fields.optional(tags.sequence)
  refuseCritical(fields.optional(constructed(0)))
  fields.end()
  return {
    issuer: formatName(issuer),
    issuerCanonical: canonicalName(issuer),
    thisUpdate,
    nextUpdate: readTime(next),
    revoked: new Set(entries === undefined ? [] : childrenOf(entries).map(readEntry)),
    signed,
  }
}

/** Whether `ca` made this list and has the right to. */
export function isCrlOf(crl: Crl, ca: Certificate): boolean {
  return (
    crl.issuerCanonical === ca.subjectName.canonical &&
    ca.keyUsage?.has('cRLSign') !== false &&
    isSignatureOf(ca, crl.signed)
  )
}

function readEntry(entry: Der): string {
  const fields = fieldsOf(entry)
  const serial = readInteger(fields.next()).toString('hex')
  // When it was revoked does not matter, and to read it would take most of the time of a long list.
  fields.next()
  refuseCriticalOf(fields.optional(tags.sequence))
  fields.end()
  return serial
}

function refuseCritical(extensions: Der | undefined): void {
  if (extensions !== undefined) refuseCriticalOf(readDer(extensions.content, tags.sequence))
}

/** RFC 5280 section 5.2: a list with an unknown critical extension must not be used. */
function refuseCriticalOf(extensions: Der | undefined): void {
  if (extensions === undefined) return
  for (const extension of childrenOf(extensions)) {
    const fields = fieldsOf(extension)
    readOid(fields.next())
    const critical = fields.optional(tags.boolean)
    if (critical !== undefined && readBoolean(critical)) {
      throw new DerError('a critical extension that is not supported')
    }
  }
}
