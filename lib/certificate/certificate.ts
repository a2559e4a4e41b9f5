import { X509Certificate } from 'node:crypto'
import { readAlgorithm } from './algorithm'
import {
  constructed,
  type Der,
  DerError,
  fieldsOf,
  primitive,
  readBytes,
  readCount,
  readDer,
  readInteger,
  readTime,
  tags,
} from './der'
import { type ExtensionFacts, readExtensions } from './extensions'
import { canonicalName, formatName, type Name, readName } from './name'
import { type PublicKey, readPublicKey } from './public-key'

/**
 * What a certificate says (RFC 5280 section 4), read once and never changed: nothing in here depends
 * on the time, on trust or on who presented it. Judging is done elsewhere, for each request.
 *
 * Node's `X509Certificate` has display strings for names, no KeyUsage bits and, before Node 24, no
 * signature algorithm; it serves to check signatures, and only for that.
 */
export interface Certificate extends ExtensionFacts {
  /** Must not be changed. */
  readonly der: Buffer
  /** `x5t#S256` */
  readonly thumbprint: string
  /** Serial number, the INTEGER's bytes in hex. */
  readonly serial: string
  /** RFC 4514 strings, for people; decisions compare `subjectName` and `issuerName`. */
  readonly subject: string
  readonly issuer: string
  readonly subjectName: DistinguishedName
  readonly issuerName: DistinguishedName
  /** Milliseconds since 1970; both moments belong to the validity. */
  readonly notBefore: number
  readonly notAfter: number
  readonly key: PublicKey
  /** The hash under the signature; undefined for an unknown algorithm. */
  readonly signatureHash: string | undefined
  /** For signatures only; made on first use. */
  readonly x509: X509Certificate
}

export interface DistinguishedName {
  readonly rdns: Name
  readonly der: Buffer
  /** Equal exactly for equal names. */
  readonly canonical: string
}

/**
 * The facts of a certificate, by its thumbprint, which must be that of `der`. Read once and kept, the
 * latest thousand of them and never more than a few megabytes: anybody may show a large one. Throws `DerError` for anything but one strict certificate.
 */
export function readCertificate(der: Buffer, thumbprint: string): Certificate {
  const known = kept.get(thumbprint)
  if (known !== undefined) return known
  const certificate = parse(Buffer.from(der), thumbprint)
  parsed++
  kept.set(thumbprint, certificate)
  keptBytes += der.length
  forgetOldest()
  return certificate
}

/** How many certificates this process has parsed so far. */
export function parsedCertificates(): number {
  return parsed
}

/** Makes room for tests that count; the facts are simply read again. */
export function forgetCertificates(): void {
  kept.clear()
  keptBytes = 0
}

const keptAtMost = 1000
const keptBytesAtMost = 4 * 1024 * 1024
const kept = new Map<string, Certificate>()
let keptBytes = 0
let parsed = 0

function forgetOldest(): void {
  for (const [thumbprint, { der }] of kept) {
    if (kept.size <= keptAtMost && keptBytes <= keptBytesAtMost) return
    kept.delete(thumbprint)
    keptBytes -= der.length
  }
}

function parse(der: Buffer, thumbprint: string): Certificate {
  const outer = fieldsOf(readDer(der))
  const signed = outer.next(tags.sequence)
  const algorithm = outer.next(tags.sequence)
  readBytes(outer.next(tags.bitString))
  outer.end()

  const fields = fieldsOf(signed)
  const version = readVersion(fields.optional(constructed(0)))
  const serial = readInteger(fields.next()).toString('hex')
  // RFC 5280 section 4.1.1.2: the signed and the unsigned name of the algorithm must be the same.
  if (!fields.next(tags.sequence).whole.equals(algorithm.whole))
    throw new DerError('two algorithms')
  const issuerName = readDistinguishedName(fields.next(tags.sequence))
  const validity = fieldsOf(fields.next())
  const notBefore = readTime(validity.next())
  const notAfter = readTime(validity.next())
  validity.end()
  const subjectName = readDistinguishedName(fields.next(tags.sequence))
  const key = readPublicKey(fields.next(tags.sequence))
  fields.optional(primitive(1))
  fields.optional(primitive(2))
  const extensions = readExtensions(fields.optional(constructed(3)), version)
  fields.end()

  let x509: X509Certificate | undefined
  return {
    der,
    thumbprint,
    serial,
    subject: formatName(subjectName.rdns),
    issuer: formatName(issuerName.rdns),
    subjectName,
    issuerName,
    notBefore,
    notAfter,
    ...extensions,
    key,
    signatureHash: readAlgorithm(algorithm)?.hash,
    get x509() {
      x509 ??= new X509Certificate(der)
      return x509
    },
  }
}

function readVersion(field: Der | undefined): number {
  return field === undefined ? 1 : readCount(readDer(field.content)) + 1
}

function readDistinguishedName(der: Der): DistinguishedName {
  const rdns = readName(der)
  return { rdns, der: der.whole, canonical: canonicalName(rdns) }
}
