import { SetupError } from '../error/setup-error'
import { type Certificate, readCertificate } from './certificate'
import { thumbprintOf } from './thumbprint'

/**
 * Reads exactly one certificate, PEM or DER, as somebody hands it in to be registered. `what` names
 * it in the error: a path, a parameter. Throws `SetupError`, which never repeats the content.
 *
 * @example
 * const { thumbprint } = parseCertificate(await readFile('client.pem'), 'client.pem')
 */
export function parseCertificate(input: Buffer | string, what: string): Certificate {
  const ders = typeof input !== 'string' && isDer(input) ? [input] : readPem(input.toString(), what)
  const [der] = ders
  if (der === undefined || ders.length > 1) {
    throw new SetupError(
      `${what} holds ${ders.length} certificates, one is wanted.`,
      'Leave the client’s own certificate in the file and take the others out.',
    )
  }
  return parseDer(der, what)
}

/** Reads one certificate's DER, with nothing behind it. Throws `SetupError`. */
export function parseDer(der: Buffer, what: string): Certificate {
  try {
    const certificate = readCertificate(der, thumbprintOf(der))
    // What OpenSSL can't read could never be shown to it, nor its signature be checked.
    void certificate.x509
    return certificate
  } catch (cause) {
    throw new SetupError(
      `${what} does not hold a well-formed X.509 certificate.`,
      'Hand in the certificate in PEM or DER, unchanged.',
      {},
      cause,
    )
  }
}

/**
 * The DER of each certificate of a PEM text (RFC 7468), read strictly: `CERTIFICATE` blocks, and
 * between them only empty lines and the headers that OpenSSL writes. A block that is cut short, of
 * another kind or badly encoded is an error, never skipped: a truststore that lost its second half
 * must not pass for a smaller one. Throws `SetupError`, also when there is no certificate.
 */
export function readPem(text: string, what: string): Buffer[] {
  return readPemBlocks(text, what, ['CERTIFICATE'])
}

/** As `readPem`, for blocks with one of `labels`. */
export function readPemBlocks(text: string, what: string, labels: readonly string[]): Buffer[] {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) throw privateKeyError(what)
  const wanted = labels[0] === 'CERTIFICATE' ? 'certificate' : 'CRL'
  const outside = text.replace(/^\uFEFF/, '').split(pemBlock)
  const blocks: Buffer[] = []
  // `split` leaves text, label, base64, text, label, base64, …, text.
  for (const [index, part] of outside.entries()) {
    if (index % 3 === 0 && !harmless(part)) {
      throw new SetupError(
        `${what} is not a clean PEM file: there is something beside its ${wanted}s, or one is cut short.`,
        'Copy the file again, whole, and leave only the PEM blocks in it.',
      )
    }
    if (index % 3 === 1 && !labels.includes(part)) {
      throw new SetupError(
        `${what} has a PEM block that is no ${wanted}.`,
        `Leave only "BEGIN ${labels[0]}" blocks in it.`,
      )
    }
    if (index % 3 === 2) blocks.push(decodeBase64(part, what))
  }
  if (blocks.length > 0) return blocks
  throw new SetupError(
    `${what} holds no ${wanted}.`,
    `It must have a "-----BEGIN ${labels[0]}-----" block, or be DER.`,
  )
}

/** The line in which each block begins, for a text that `readPem` takes: there nothing else looks like one. */
export function pemLines(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (pemBegins.test(line) ? index + 1 : []))
}

/** DER begins with a SEQUENCE; in a PEM text that byte would be the digit 0, which none begins with. */
export function isDer(bytes: Buffer): boolean {
  return bytes[0] === 0x30
}

function privateKeyError(what: string): SetupError {
  return new SetupError(
    `${what} holds a private key where only certificates belong.`,
    'Take the private key out, hand in the certificate alone, and keep the key where it is used.',
  )
}

const pemBlock =
  /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)^-----END \1-----[ \t]*$/m

const pemBegins = /^\uFEFF?-----BEGIN /

/** What `openssl x509 -text`, `openssl pkcs12` and `openssl s_client` write around a block. */
function harmless(text: string): boolean {
  return text.split(/\r?\n/).every((line) => headerLine.test(line))
}

const headerLine =
  /^(?:|[ \t].*|#.*|Bag Attributes.*|Key Attributes.*|Certificate:.*|Certificate Revocation List \(CRL\):.*|subject=.*|issuer=.*)$/

function decodeBase64(text: string, what: string): Buffer {
  const base64 = text.replace(/\s+/g, '')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length > 0 && bytes.toString('base64') === base64) return bytes
  throw new SetupError(
    `${what} has a PEM block whose base64 is damaged.`,
    'Copy the file again, whole.',
  )
}
