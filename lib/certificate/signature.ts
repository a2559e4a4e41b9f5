import { constants, createPublicKey, verify } from 'node:crypto'
import { readAlgorithm, strongHashes } from './algorithm'
import type { Certificate } from './certificate'
import { type Der, expectTag, fieldsOf, readBytes, tags } from './der'

/**
 * Whether `issuer`'s key made `child`'s signature. Names, dates and rights are not looked at.
 * The same two certificates always give the same answer, so the latest few thousand are kept.
 */
export function isSignedBy(child: Certificate, issuer: Certificate): boolean {
  const pair = `${child.thumbprint} ${issuer.thumbprint}`
  const known = answers.get(pair)
  if (known !== undefined) return known
  const answer = check(child, issuer)
  if (answers.size >= answersAtMost) answers.delete(answers.keys().next().value ?? '')
  answers.set(pair, answer)
  return answer
}

/** A CRL, an OCSP response: something signed, as its signer's algorithm and key say. */
export interface Signed {
  /** What the signature stands over, its DER. */
  readonly toBeSigned: Buffer
  /** AlgorithmIdentifier */
  readonly algorithm: Der
  /** BIT STRING */
  readonly signature: Der
}

/** SEQUENCE { toBeSigned, algorithm, signature, … }, as all of X.509 is signed. */
export function readSigned(whole: Der): Signed & { content: Der } {
  const fields = fieldsOf(whole)
  const content = expectTag(fields.next(), tags.sequence)
  const algorithm = fields.next(tags.sequence)
  const signature = fields.next(tags.bitString)
  fields.end()
  return { content, toBeSigned: content.whole, algorithm, signature }
}

/** Whether `signer`'s key made the signature, with a hash that is strong. */
export function isSignatureOf(signer: Certificate, signed: Signed): boolean {
  try {
    const algorithm = readAlgorithm(signed.algorithm)
    if (algorithm === undefined || !strongHashes.has(algorithm.hash)) return false
    const key = createPublicKey({ key: signer.key.spki, format: 'der', type: 'spki' })
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.pssSalt }
    return verify(
      algorithm.digest,
      signed.toBeSigned,
      algorithm.pssSalt === undefined ? key : { key, ...padding },
      readBytes(signed.signature),
    )
  } catch {
    return false
  }
}

const answersAtMost = 4000
const answers = new Map<string, boolean>()

function check(child: Certificate, issuer: Certificate): boolean {
  try {
    return child.x509.verify(issuer.x509.publicKey)
  } catch {
    // A key that OpenSSL can't read signs nothing.
    return false
  }
}
