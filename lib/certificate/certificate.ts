import { X509Certificate } from 'node:crypto'
import { readAlgorithm } from './algorithm'
import {
  childrenOf,
  constructed,
  type Der,
  DerError,
  fieldsOf,
  primitive,
  readBits,
  readBoolean,
  readBytes,
  readCount,
  readDer,
  readInteger,
  readOid,
  readTime,
  tags,
} from './der'
import { canonicalName, formatName, type Name, readName } from './name'
import { type PublicKey, readPublicKey } from './public-key'

/**
 * What a certificate says (RFC 5280 section 4), read once and never changed: nothing in here depends
 * on the time, on trust or on who presented it. Judging is done elsewhere, for each request.
 *
 * Node's `X509Certificate` has display strings for names, no KeyUsage bits and, before Node 24, no
 * signature algorithm; it serves to check signatures, and only for that.
 */
export interface Certificate {
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
  /** BasicConstraints CA:TRUE. */
  readonly isCa: boolean
  /** BasicConstraints pathLenConstraint. */
  readonly pathLength: number | undefined
  /** Extended key usage, as object identifiers; undefined when there is no such extension. */
  readonly purposes: readonly string[] | undefined
  /** undefined when there is no such extension. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  readonly alternativeNames: readonly AlternativeName[]
  /** How certificates that this one signs refer to its key; undefined where it does not say. */
  readonly keyIdentifier: Buffer | undefined
  readonly key: PublicKey
  /** The hash under the signature; undefined for an unknown algorithm. */
  readonly signatureHash: string | undefined
  /** Where the CA's OCSP responder is, from the authority information access. */
  readonly ocspUrls: readonly string[]
  /** Critical extensions that nothing here understands: such a certificate must be refused. */
  readonly unknownCritical: readonly string[]
  /** Name constraints are not evaluated: a CA that has them is no CA here. */
  readonly hasNameConstraints: boolean
  /** For signatures only; made on first use. */
  readonly x509: X509Certificate
}

export interface DistinguishedName {
  readonly rdns: Name
  readonly der: Buffer
  /** Equal exactly for equal names. */
  readonly canonical: string
}

/** A name of the subject alternative name; kinds that nobody registers are left out. */
export type AlternativeName =
  | { readonly kind: 'dns' | 'uri' | 'email'; readonly value: string }
  | { readonly kind: 'ip'; readonly value: Buffer }

export type KeyUsage = (typeof keyUsages)[number]

/** In the order of their bits, RFC 5280 section 4.2.1.3. */
const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const

export const purposeIds = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const

const ocspMethod = '1.3.6.1.5.5.7.48.1'

/**
 * The facts of a certificate, by its thumbprint, which must be that of `der`. Read once and kept,
 * the latest thousand of them. Throws `DerError` for anything but one strict certificate.
 */
export function readCertificate(der: Buffer, thumbprint: string): Certificate {
  const known = kept.get(thumbprint)
  if (known !== undefined) return known
  const certificate = parse(Buffer.from(der), thumbprint)
  parsed++
  if (kept.size >= keptAtMost) kept.delete(kept.keys().next().value ?? '')
  kept.set(thumbprint, certificate)
  return certificate
}

/** How many certificates this process has parsed so far. */
export function parsedCertificates(): number {
  return parsed
}

/** Makes room for tests that count; the facts are simply read again. */
export function forgetCertificates(): void {
  kept.clear()
}

const keptAtMost = 1000
const kept = new Map<string, Certificate>()
let parsed = 0

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
    ...readBasicConstraints(extensions.get(extensionIds.basicConstraints)),
    purposes: readPurposes(extensions.get(extensionIds.extKeyUsage)),
    keyUsage: readKeyUsage(extensions.get(extensionIds.keyUsage)),
    alternativeNames: readAlternativeNames(extensions.get(extensionIds.subjectAltName)),
    keyIdentifier: readKeyIdentifier(extensions.get(extensionIds.subjectKeyIdentifier)),
    key,
    signatureHash: readAlgorithm(algorithm)?.hash,
    ocspUrls: readOcspUrls(extensions.get(extensionIds.authorityInfoAccess)),
    unknownCritical: [...extensions].filter(isUnknownCritical).map(([id]) => id),
    hasNameConstraints: extensions.has(extensionIds.nameConstraints),
    get x509() {
      x509 ??= new X509Certificate(der)
      return x509
    },
  }
}

interface Extension {
  critical: boolean
  value: Buffer
}

const understood: ReadonlySet<string> = new Set([
  extensionIds.keyUsage,
  extensionIds.subjectAltName,
  extensionIds.basicConstraints,
  extensionIds.extKeyUsage,
  // Policies only ever say more about a certificate; none is asked for here.
  extensionIds.certificatePolicies,
])

function isUnknownCritical([id, { critical }]: [string, Extension]): boolean {
  return critical && !understood.has(id)
}

function readVersion(field: Der | undefined): number {
  return field === undefined ? 1 : readCount(readDer(field.content)) + 1
}

function readDistinguishedName(der: Der): DistinguishedName {
  const rdns = readName(der)
  return { rdns, der: der.whole, canonical: canonicalName(rdns) }
}

function readExtensions(field: Der | undefined, version: number): Map<string, Extension> {
  const extensions = new Map<string, Extension>()
  if (field === undefined) return extensions
  if (version !== 3) throw new DerError('extensions in an old version')
  for (const child of childrenOf(readDer(field.content, tags.sequence))) {
    const fields = fieldsOf(child)
    const id = readOid(fields.next())
    const critical = fields.optional(tags.boolean)
    const value = fields.next(tags.octetString).content
    fields.end()
    // RFC 5280 section 4.2: never twice; otherwise two readers could each take another one.
    if (extensions.has(id)) throw new DerError('an extension that is there twice')
    extensions.set(id, { critical: critical !== undefined && readBoolean(critical), value })
  }
  return extensions
}

function readBasicConstraints(extension: Extension | undefined) {
  if (extension === undefined) return { isCa: false, pathLength: undefined }
  const fields = fieldsOf(readDer(extension.value))
  const ca = fields.optional(tags.boolean)
  const length = fields.optional(tags.integer)
  fields.end()
  return {
    isCa: ca !== undefined && readBoolean(ca),
    pathLength: length === undefined ? undefined : readCount(length),
  }
}

function readPurposes(extension: Extension | undefined): readonly string[] | undefined {
  if (extension === undefined) return undefined
  return childrenOf(readDer(extension.value, tags.sequence)).map((purpose) => readOid(purpose))
}

function readKeyUsage(extension: Extension | undefined): ReadonlySet<KeyUsage> | undefined {
  if (extension === undefined) return undefined
  const bits = readBits(readDer(extension.value))
  return new Set(keyUsages.filter((_, bit) => bits[bit] === true))
}

function readAlternativeNames(extension: Extension | undefined): readonly AlternativeName[] {
  if (extension === undefined) return []
  return childrenOf(readDer(extension.value, tags.sequence)).flatMap(readAlternativeName)
}

/** RFC 5280 section 4.2.1.6. What nobody registers is checked and left out. */
function readAlternativeName(name: Der): AlternativeName[] {
  const { tag, content } = name
  switch (tag) {
    case primitive(1):
      return [{ kind: 'email', value: content.toString('latin1') }]
    case primitive(2):
      return [{ kind: 'dns', value: content.toString('latin1') }]
    case primitive(6):
      return [{ kind: 'uri', value: content.toString('latin1') }]
    case primitive(7):
      return [{ kind: 'ip', value: content }]
    case primitive(8):
      readOid(name, primitive(8))
      return []
    case constructed(0): {
      const fields = fieldsOf(name, constructed(0))
      readOid(fields.next())
      readDer(fields.next(constructed(0)).content)
      fields.end()
      return []
    }
    case constructed(4):
      readName(readDer(content, tags.sequence))
      return []
    case constructed(3):
    case constructed(5):
      return []
    default:
      throw new DerError('not a general name')
  }
}

function readKeyIdentifier(extension: Extension | undefined): Buffer | undefined {
  return extension && readDer(extension.value, tags.octetString).content
}

function readOcspUrls(extension: Extension | undefined): readonly string[] {
  if (extension === undefined) return []
  return childrenOf(readDer(extension.value, tags.sequence)).flatMap((description) => {
    const fields = fieldsOf(description)
    const method = readOid(fields.next())
    const location = fields.next()
    fields.end()
    return method === ocspMethod && location.tag === primitive(6)
      ? [location.content.toString('latin1')]
      : []
  })
}
