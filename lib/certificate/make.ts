import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { isIP } from 'node:net'
import { SetupError } from '../error/setup-error'
import { primitive } from './der'
import {
  bitString,
  element,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  truth,
  utf8String,
} from './der-writer'
import { extensionIds, purposeIds } from './extensions'
import { ipBytes } from './ip'
import { parseCertificate } from './parse'
import { toPem } from './pem'

export interface CertificateWish {
  /** The subject's common name. */
  name: string
  /** Validity in days from now; 365 unless given. */
  days?: number
  /** The CA that signs; absent: self-signed. PEM both. */
  issuer?: { certificatePem: string; keyPem: string }
  /** A CA for client or server certificates. */
  ca?: boolean
  /** For a TLS server: its name, localhost and the loopback addresses become alternative names. */
  server?: boolean
  dnsNames?: readonly string[]
  ips?: readonly string[]
  uris?: readonly string[]
  emails?: readonly string[]
  /** Where the CA's OCSP responder is. */
  ocspUrl?: string
  /** Milliseconds since 1970. */
  now: number
}

export interface MadeCertificate {
  certificatePem: string
  /** PKCS#8, not encrypted. */
  keyPem: string
}

/**
 * Makes an EC P-256 key and a certificate for it, in process: no openssl, no file, no network.
 * Throws `SetupError` when the name can't be one or the issuer is no CA.
 *
 * @example
 * const ca = makeCertificate({ name: 'Development CA', ca: true, now: Date.now() })
 * const client = makeCertificate({ name: 'billing', issuer: ca, now: Date.now() })
 */
export function makeCertificate(wish: CertificateWish): MadeCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = commonName(wish.name)
  const issuer = wish.issuer
    ? readIssuer(wish.issuer)
    : { subject, privateKey, keyIdentifier: keyIdentifierOf(publicKey) }
  const days = wish.days ?? 365
  const start = Math.floor(wish.now / 1000) * 1000
  const algorithm = signatureAlgorithm(issuer.privateKey)
  const toBeSigned = sequence(
    element(0xa0, integer(2)),
    serialNumber(),
    algorithm.identifier,
    issuer.subject,
    // A minute back, for peers whose clock is a little behind.
    sequence(time(start - 60_000), time(start + days * 86_400_000)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions(wish, publicKey, issuer.keyIdentifier))),
  )
  const signature = sign(algorithm.digest, toBeSigned, issuer.privateKey)
  const der = sequence(toBeSigned, algorithm.identifier, bitString(signature))
  return {
    certificatePem: toPem(der),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function commonName(name: string): Buffer {
  if (name.trim() === '' || [...name].length > 64 || /\p{Cc}/u.test(name)) {
    throw new SetupError(
      'A certificate’s name must have 1 to 64 printable characters.',
      'Choose a shorter name without control characters.',
    )
  }
  return sequence(setOf(sequence(oid('2.5.4.3'), utf8String(name))))
}

function readIssuer({ certificatePem, keyPem }: { certificatePem: string; keyPem: string }) {
  const certificate = parseCertificate(certificatePem, 'The issuing certificate')
  const privateKey = readPrivateKey(keyPem)
  if (!certificate.isCa || certificate.keyUsage?.has('keyCertSign') === false) {
    throw new SetupError(
      'The issuing certificate is not a CA’s.',
      'Name a certificate that has CA:TRUE, or leave the issuer out for a self-signed one.',
    )
  }
  if (!certificate.x509.checkPrivateKey(privateKey)) {
    throw new SetupError(
      'The issuing key does not belong to the issuing certificate.',
      'Name the two files of one CA.',
    )
  }
  return {
    subject: certificate.subjectName.der,
    privateKey,
    keyIdentifier: certificate.keyIdentifier,
  }
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new SetupError(
      'The issuing key can’t be read.',
      'It must be a private key in PEM without a pass phrase.',
      {},
      cause,
    )
  }
}

/** 128 random bits, positive (RFC 5280 section 4.1.2.2; CA/B Forum asks for at least 64). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40)
  return integer(bytes)
}

function signatureAlgorithm(key: KeyObject): { identifier: Buffer; digest: string | undefined } {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { identifier: sequence(oid('1.2.840.113549.1.1.11'), element(0x05)), digest: 'sha256' }
    case 'ec':
      return { identifier: sequence(oid('1.2.840.10045.4.3.2')), digest: 'sha256' }
    case 'ed25519':
      return { identifier: sequence(oid('1.3.101.112')), digest: undefined }
    default:
      throw new SetupError('The issuing key is of an unknown kind.', 'Use RSA, EC or Ed25519.')
  }
}

function extensions(
  wish: CertificateWish,
  key: KeyObject,
  issuerKeyIdentifier: Buffer | undefined,
): Buffer[] {
  const names = alternativeNames(wish)
  return [
    extension(extensionIds.basicConstraints, wish.ca ? sequence(truth()) : sequence(), true),
    // Bits of KeyUsage: keyCertSign and cRLSign are 5 and 6, digitalSignature is 0.
    extension(
      extensionIds.keyUsage,
      wish.ca ? bitString(bits(0x06), 1) : bitString(bits(0x80), 7),
      true,
    ),
    ...(wish.ca ? [] : [extension(extensionIds.extKeyUsage, sequence(oid(purposeOf(wish))))]),
    ...(names.length === 0 ? [] : [extension(extensionIds.subjectAltName, sequence(...names))]),
    extension(extensionIds.subjectKeyIdentifier, octetString(keyIdentifierOf(key))),
    ...(issuerKeyIdentifier === undefined ? [] : [authorityExtension(issuerKeyIdentifier)]),
    ...(wish.ocspUrl === undefined ? [] : [ocspExtension(wish.ocspUrl)]),
  ]
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [truth()] : []), octetString(value))
}

const bits = (byte: number): Buffer => Buffer.from([byte])

const purposeOf = ({ server }: CertificateWish): string =>
  server ? purposeIds.serverAuth : purposeIds.clientAuth

function alternativeNames(wish: CertificateWish): Buffer[] {
  const own = wish.server ? [wish.name, 'localhost', '127.0.0.1', '::1'] : []
  const ips = new Set([...own.filter((name) => isIP(name) !== 0), ...(wish.ips ?? [])])
  const dnsNames = new Set([...own.filter(isHostname), ...(wish.dnsNames ?? [])])
  const text = (number: number, value: string) =>
    element(primitive(number), Buffer.from(value, 'latin1'))
  return [
    ...[...dnsNames].map((name) => text(2, name)),
    ...[...ips].map((ip) => element(primitive(7), readIp(ip))),
    ...(wish.uris ?? []).map((uri) => text(6, uri)),
    ...(wish.emails ?? []).map((email) => text(1, email)),
  ]
}

function isHostname(name: string): boolean {
  return isIP(name) === 0 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name)
}

function readIp(text: string): Buffer {
  const bytes = ipBytes(text)
  if (bytes !== undefined) return bytes
  throw new SetupError(
    'An IP address of the certificate is none.',
    'Write it as 192.0.2.1 or 2001:db8::1.',
  )
}

/** RFC 7093 section 2, method 1: no SHA-1, which FIPS builds of OpenSSL may lack. */
function keyIdentifierOf(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest().subarray(0, 20)
}

/** As the issuer's own certificate names its key: OpenSSL takes another name for another issuer. */
function authorityExtension(keyIdentifier: Buffer): Buffer {
  return extension(
    extensionIds.authorityKeyIdentifier,
    sequence(element(primitive(0), keyIdentifier)),
  )
}

function ocspExtension(url: string): Buffer {
  const location = element(primitive(6), Buffer.from(url, 'latin1'))
  return extension(
    extensionIds.authorityInfoAccess,
    sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), location)),
  )
}
