import { createHash } from 'node:crypto'
import { strongHashes } from './algorithm'
import { type Certificate, readCertificate } from './certificate'
import {
  childrenOf,
  constructed,
  type Der,
  DerError,
  fieldsOf,
  primitive,
  readDer,
  readInteger,
  readOid,
  readTime,
  tags,
} from './der'
import { element, nothing, octetString, oid, sequence } from './der-writer'
import { purposeIds } from './extensions'
import { isStrong } from './public-key'
import { isSignatureOf, isSignedBy } from './signature'
import { thumbprintOf } from './thumbprint'

/** What a responder says of one certificate (RFC 6960). */
export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Milliseconds since 1970; from then on it says nothing any more. */
  readonly until: number
}

/** Asks for one certificate, under the CA that signed it. */
export function ocspRequest(certificate: Certificate, issuer: Certificate, nonce: Buffer): Buffer {
  const request = sequence(certificateId(certificate, issuer))
  const extension = sequence(oid(nonceId), octetString(octetString(nonce)))
  return sequence(sequence(sequence(request), element(constructed(2), sequence(extension))))
}

/**
 * Reads a response and checks all of it: made by the CA or by one that the CA named for it, for this
 * certificate, to this request, and for now. Throws `DerError`.
 */
export function readOcspResponse(
  bytes: Buffer,
  certificate: Certificate,
  issuer: Certificate,
  nonce: Buffer,
  now: number,
): OcspAnswer {
  const basic = fieldsOf(readDer(readBasic(bytes), tags.sequence))
  const content = basic.next(tags.sequence)
  const algorithm = basic.next(tags.sequence)
  const signature = basic.next(tags.bitString)
  const certificates = basic.optional(constructed(0))
  basic.end()
  const signed = { toBeSigned: content.whole, algorithm, signature }
  const delegates = certificates === undefined ? [] : readDelegates(certificates, issuer, now)
  if (![issuer, ...delegates].some((signer) => isSignatureOf(signer, signed))) {
    throw new DerError('signed by nobody who may')
  }

  const fields = fieldsOf(content)
  fields.optional(constructed(0))
  fields.next()
  fields.next(tags.generalizedTime)
  const responses = childrenOf(fields.next(tags.sequence))
  checkNonce(fields.optional(constructed(1)), nonce)
  fields.end()
  const wanted = certificateId(certificate, issuer)
  const answer = responses.find((response) => isSameId(fieldsOf(response).next(), wanted))
  if (answer === undefined) throw new DerError('says nothing of the certificate')
  return readAnswer(answer, now)
}

const nonceId = '1.3.6.1.5.5.7.48.1.2'
const basicId = '1.3.6.1.5.5.7.48.1.1'
const sha1Id = '1.3.14.3.2.26'

/** A responder's clock may be ahead of ours by this much. */
const skew = 60_000
/** How long an answer that names no end may be relied on. */
const endless = 300_000

/** CertID, with SHA-1 as every responder knows it: it names, it protects nothing. */
function certificateId({ issuerName, serial }: Certificate, issuer: Certificate): Buffer {
  const sha1 = (bytes: Buffer) => octetString(createHash('sha1').update(bytes).digest())
  return sequence(
    sequence(oid(sha1Id), nothing()),
    sha1(issuerName.der),
    sha1(issuer.key.keyBytes),
    element(tags.integer, Buffer.from(serial, 'hex')),
  )
}

/** Some responders leave out the NULL beside the algorithm's name. */
function isSameId(id: Der, wanted: Buffer): boolean {
  const [algorithm, ...hashesAndSerial] = childrenOf(id)
  const [, ...wantedRest] = childrenOf(readDer(wanted))
  return (
    algorithm !== undefined &&
    readOid(fieldsOf(algorithm).next()) === sha1Id &&
    Buffer.concat(hashesAndSerial.map(({ whole }) => whole)).equals(
      Buffer.concat(wantedRest.map(({ whole }) => whole)),
    )
  )
}

function readBasic(bytes: Buffer): Buffer {
  const response = fieldsOf(readDer(bytes))
  const status = readInteger(response.next(tags.enumerated), tags.enumerated)
  if (!status.equals(Buffer.from([0]))) throw new DerError('the responder refused to answer')
  const fields = fieldsOf(readDer(response.next(constructed(0)).content))
  if (readOid(fields.next()) !== basicId) throw new DerError('another kind of response')
  return fields.next(tags.octetString).content
}

/** RFC 6960 section 4.2.2.2: signed by the CA itself, for this purpose alone. */
function readDelegates(certificates: Der, issuer: Certificate, now: number): Certificate[] {
  return childrenOf(readDer(certificates.content, tags.sequence)).flatMap(({ whole }) => {
    const delegate = readCertificate(whole, thumbprintOf(whole))
    const mayAnswer =
      delegate.issuerName.canonical === issuer.subjectName.canonical &&
      delegate.purposes?.includes(purposeIds.ocspSigning) === true &&
      now >= delegate.notBefore &&
      now <= delegate.notAfter &&
      isStrong(delegate.key) &&
      strongHashes.has(delegate.signatureHash ?? '') &&
      isSignedBy(delegate, issuer)
    return mayAnswer ? [delegate] : []
  })
}

/** Many responders answer from a store and have none; one that is there must be ours. */
function checkNonce(extensions: Der | undefined, nonce: Buffer): void {
  if (extensions === undefined) return
  for (const extension of childrenOf(readDer(extensions.content, tags.sequence))) {
    const fields = fieldsOf(extension)
    const isNonce = readOid(fields.next()) === nonceId
    fields.optional(tags.boolean)
    const value = fields.next(tags.octetString).content
    if (isNonce && !value.equals(octetString(nonce)))
      throw new DerError('an answer to another request')
  }
}

function readAnswer(response: Der, now: number): OcspAnswer {
  const fields = fieldsOf(response)
  fields.next()
  const status = statusOf.get(fields.next().tag)
  const thisUpdate = readTime(fields.next(tags.generalizedTime))
  const next = fields.optional(constructed(0))
  if (status === undefined) throw new DerError('another status')
  const until = next === undefined ? thisUpdate + endless : readTime(readDer(next.content))
  if (thisUpdate > now + skew || until <= now) throw new DerError('not an answer for now')
  return { status, until }
}

const statusOf = new Map<number, OcspAnswer['status']>([
  [primitive(0), 'good'],
  [constructed(1), 'revoked'],
  [primitive(2), 'unknown'],
])
