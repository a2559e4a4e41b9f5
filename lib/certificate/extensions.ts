import {
  childrenOf,
  constructed,
  type Der,
  DerError,
  fieldsOf,
  primitive,
  readBits,
  readBoolean,
  readCount,
  readDer,
  readOid,
  tags,
} from './der'
import { readName } from './name'

/** What the extensions of a certificate say (RFC 5280 section 4.2), absent ones included. */
export interface ExtensionFacts {
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
  /** Where the CA's OCSP responder is, from the authority information access. */
  readonly ocspUrls: readonly string[]
  /** Critical extensions that nothing here understands: such a certificate must be refused. */
  readonly unknownCritical: readonly string[]
  /** Name constraints are not evaluated: a CA that has them is no CA here. */
  readonly hasNameConstraints: boolean
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

/** Reads the field of the extensions; undefined for a certificate that has none. Throws `DerError`. */
export function readExtensions(field: Der | undefined, version: number): ExtensionFacts {
  const extensions = splitExtensions(field, version)
  return {
    ...readBasicConstraints(extensions.get(extensionIds.basicConstraints)),
    purposes: readPurposes(extensions.get(extensionIds.extKeyUsage)),
    keyUsage: readKeyUsage(extensions.get(extensionIds.keyUsage)),
    alternativeNames: readAlternativeNames(extensions.get(extensionIds.subjectAltName)),
    keyIdentifier: readKeyIdentifier(extensions.get(extensionIds.subjectKeyIdentifier)),
    ocspUrls: readOcspUrls(extensions.get(extensionIds.authorityInfoAccess)),
    unknownCritical: [...extensions].filter(isUnknownCritical).map(([id]) => id),
    hasNameConstraints: extensions.has(extensionIds.nameConstraints),
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

function splitExtensions(field: Der | undefined, version: number): Map<string, Extension> {
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
