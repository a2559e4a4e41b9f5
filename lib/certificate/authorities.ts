import { strongHashes } from './algorithm'
import type { Certificate } from './certificate'
import { purposeIds } from './extensions'
import { isStrong } from './public-key'
import { isSignedBy } from './signature'

/** The CAs of a truststore, sorted: at the anchors a chain may end, through the others it may pass. */
export interface Authorities {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  /** Anchors and intermediates by the canonical form of their subject. */
  readonly bySubject: ReadonlyMap<string, readonly Certificate[]>
}

/** Something that stands in a truststore and is not believed. */
export interface Refusal {
  readonly what: string
  readonly why: string
}

export const noAuthorities: Authorities = {
  anchors: [],
  intermediates: [],
  bySubject: new Map(),
}

/**
 * Sorts the entries of a truststore. What is registered for a client is a pin, never an anchor: the
 * page's own openssl command makes a CA:TRUE certificate, and as an anchor that client could sign
 * certificates for any other client's name.
 */
export function sortAuthorities(
  entries: readonly Certificate[],
  registered: ReadonlySet<string>,
): Authorities & { refused: readonly Refusal[] } {
  const refused: Refusal[] = []
  const refuse = ({ subject, thumbprint }: Certificate, why: string) =>
    refused.push({ what: `${subject || '(no subject)'} (${thumbprint})`, why })

  const fit = entries.filter((entry) => {
    const why = registered.has(entry.thumbprint)
      ? 'It is registered for a client: a certificate of its own, never a CA for others.'
      : unfitness(entry)
    if (why !== undefined) refuse(entry, why)
    return why === undefined
  })
  const anchors = fit.filter(isSelfSigned)
  const others = fit.filter((entry) => !anchors.includes(entry))
  const intermediates = reachable(anchors, others)
  for (const entry of others) {
    if (!intermediates.includes(entry)) refuse(entry, 'The CA that signed it is not in the store.')
  }
  return {
    anchors,
    intermediates,
    bySubject: indexBySubject([...anchors, ...intermediates]),
    refused,
  }
}

/** Why a certificate can't be a CA of client certificates at any time; undefined when it can. */
export function unfitness(certificate: Certificate): string | undefined {
  const { isCa, keyUsage, purposes, key, unknownCritical, hasNameConstraints } = certificate
  if (!isCa) return 'It is not a CA (CA:TRUE is missing).'
  if (keyUsage?.has('keyCertSign') === false)
    return 'Its key usage does not allow it to sign certificates.'
  if (purposes?.includes(purposeIds.clientAuth) === false)
    return 'Its extended key usage does not allow client certificates.'
  if (!isStrong(key))
    return 'Its key is too weak: RSA from 2048 bits, or EC P-256, P-384, P-521, Ed25519.'
  if (hasNameConstraints) return 'It has name constraints, which are not supported.'
  if (unknownCritical.length > 0)
    return `It has a critical extension that is not supported: ${unknownCritical.join(', ')}.`
  if (!isSelfSigned(certificate) && !strongHashes.has(certificate.signatureHash ?? ''))
    return 'It is signed with a weak hash.'
  return undefined
}

export function isSelfIssued({ subjectName, issuerName }: Certificate): boolean {
  return subjectName.canonical === issuerName.canonical
}

export function isSelfSigned(certificate: Certificate): boolean {
  return isSelfIssued(certificate) && isSignedBy(certificate, certificate)
}

/** Those of `others` from which signatures lead to an anchor, however deep. */
function reachable(anchors: readonly Certificate[], others: readonly Certificate[]): Certificate[] {
  const found: Certificate[] = []
  let known = indexBySubject(anchors)
  let left = others
  while (true) {
    const next = left.filter((entry) =>
      known.get(entry.issuerName.canonical)?.some((issuer) => isSignedBy(entry, issuer)),
    )
    if (next.length === 0) return found
    found.push(...next)
    left = left.filter((entry) => !next.includes(entry))
    known = indexBySubject(next)
  }
}

function indexBySubject(certificates: readonly Certificate[]): Map<string, Certificate[]> {
  const index = new Map<string, Certificate[]>()
  for (const certificate of certificates) {
    const { canonical } = certificate.subjectName
    index.set(canonical, [...(index.get(canonical) ?? []), certificate])
  }
  return index
}
