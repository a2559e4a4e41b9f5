import type { Certificate } from '../certificate/certificate'
import { parseCertificate } from '../certificate/parse'
import { readInput } from './input'
import { say } from './say'

/** The one certificate of a PEM or DER file. Throws `SetupError` naming the file. */
export async function readCertificateFile(file: string): Promise<Certificate> {
  return parseCertificate(await readInput(file), file)
}

/** The same, to be registered; says when it can let nobody in any more. */
export async function readClientCertificate(file: string): Promise<Certificate> {
  const certificate = await readCertificateFile(file)
  const { notAfter } = certificate
  if (notAfter < Date.now()) say(`${file} ended on ${new Date(notAfter).toISOString()}.`)
  return certificate
}

/** What people ask of a certificate; both spellings of its SHA-256. */
export function certificateFacts(certificate: Certificate) {
  const { subject, issuer, serial, notBefore, notAfter, isCa, thumbprint } = certificate
  return {
    subject,
    issuer,
    serial,
    not_before: new Date(notBefore).toISOString(),
    not_after: new Date(notAfter).toISOString(),
    ca: isCa,
    thumbprint,
    sha256: Buffer.from(thumbprint, 'base64url').toString('hex'),
  }
}
