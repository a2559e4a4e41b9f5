import type { RejectionReason } from '../error/reasons'
import type { Certificate } from './certificate'
import type { Path } from './chain'
import { type Crl, isCrlOf } from './crl'

export type CrlPolicy = 'if-present' | 'required'

/**
 * The newest CRL of each CA, by the CA's name and key: a certificate that another CA made for the same
 * name and key (a cross-signed one, that a client may bring along) must not get around the list.
 */
export type CrlsByCa = ReadonlyMap<string, Crl>

/**
 * What the CRLs say of a chain: each certificate of it but the anchor, by the lists of the CA above.
 * A CA without a list is fine with the policy `if-present`, and its list must not lock out the
 * certificates of other CAs: that is why OpenSSL, which does so, is given no CRL.
 */
export function crlVerdict(
  path: Path,
  crls: CrlsByCa,
  policy: CrlPolicy,
  now: number,
): Extract<RejectionReason, 'certificate_revoked' | 'crl_expired'> | undefined {
  const verdicts = path
    .slice(0, -1)
    .map((certificate, index) => verdictOf(certificate, path[index + 1], crls, policy, now))
  return verdicts.find((verdict) => verdict === 'certificate_revoked') ?? verdicts.find(Boolean)
}

function verdictOf(
  { serial }: Certificate,
  issuer: Certificate | undefined,
  crls: CrlsByCa,
  policy: CrlPolicy,
  now: number,
) {
  const crl = issuer && crlOf(issuer, crls)
  if (crl === undefined) return policy === 'required' ? 'crl_expired' : undefined
  // What was revoked stays so, however old the list is.
  if (crl.revoked.has(serial)) return 'certificate_revoked'
  return now >= crl.thisUpdate && now < crl.nextUpdate ? undefined : 'crl_expired'
}

/** The newest of `crls` that each CA really made. */
export function sortCrls(crls: readonly Crl[], cas: readonly Certificate[]): CrlsByCa {
  const newest = new Map<string, Crl>()
  for (const ca of cas) {
    const [latest] = crls
      .filter((crl) => isCrlOf(crl, ca))
      .sort((one, other) => other.thisUpdate - one.thisUpdate)
    if (latest !== undefined) newest.set(nameAndKey(ca), latest)
  }
  return newest
}

export function crlOf(ca: Certificate, crls: CrlsByCa): Crl | undefined {
  return crls.size === 0 ? undefined : crls.get(nameAndKey(ca))
}

function nameAndKey({ subjectName, key }: Certificate): string {
  return `${key.spki.toString('base64')} ${subjectName.canonical}`
}
