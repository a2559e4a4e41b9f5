import type { Certificate } from '../certificate/certificate'
import { parseCertificate } from '../certificate/parse'
import { SetupError } from '../error/setup-error'
import type { RegisteredCertificate } from './client-store'
import { invalidMetadata } from './invalid'

/** One certificate: PEM text, or the bytes of a PEM or DER file. */
export type CertificateInput = string | Buffer

/** A client renews one certificate at a time; more than this is a slip. */
const maxCertificates = 20

/**
 * The certificates to register, each once. Throws `invalid_client_metadata`; what was given is never
 * repeated, since it may be a private key.
 */
export function readCertificates(inputs: readonly CertificateInput[]): RegisteredCertificate[] {
  const certificates = new Map<string, RegisteredCertificate>()
  for (const input of inputs) {
    const certificate = read(input)
    certificates.set(certificate.thumbprint, certificate)
  }
  return withinLimit([...certificates.values()])
}

/** Throws when a client would have more certificates than make sense. */
export function withinLimit(certificates: RegisteredCertificate[]): RegisteredCertificate[] {
  if (certificates.length <= maxCertificates) return certificates
  throw invalidMetadata(`A client can have at most ${maxCertificates} certificates.`)
}

function read(input: CertificateInput): RegisteredCertificate {
  const { thumbprint, der, subject, notAfter } = parse(input)
  return { thumbprint, der, subject, not_after: notAfter, last_used: undefined }
}

function parse(input: CertificateInput): Certificate {
  try {
    return parseCertificate(input, 'The certificate')
  } catch (error) {
    if (error instanceof SetupError) throw invalidMetadata(`${error.problem} ${error.fix}`)
    throw error
  }
}
